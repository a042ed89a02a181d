<?php
// A chat: chat.php?lastId=N waits for messages after N and answers
// {"messages": [{"id": …, "user": …, "text": …, "mine": …}]}. POST with a text says something;
// with a user, it says who speaks, for the rest of the session.
//
// FPM_DATA  the folder of the database
// CHAT_HOLD how many seconds a request waits (default: 20)

declare(strict_types=1);

const PATIENCE = 20;

function answer(array $body, int $status = 200): never
{
    http_response_code($status);
    header('Content-Type: application/json');
    echo json_encode($body, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE);
    exit;
}

$db = new PDO('sqlite:' . getenv('FPM_DATA') . '/chat.sqlite', null, null, [
    PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
    PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC,
    PDO::ATTR_TIMEOUT => 5,
]);
$db->exec('CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, user TEXT NOT NULL, text TEXT NOT NULL, session TEXT NOT NULL
)');

if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    session_start();
    $_SESSION['user'] = trim((string) ($_POST['user'] ?? '')) ?: $_SESSION['user'] ?? 'guest';
    $text = trim((string) ($_POST['text'] ?? ''));
    if ($text === '') {
        answer(['error' => 'text is missing'], 422);
    }
    $db->prepare('INSERT INTO messages (user, text, session) VALUES (?, ?, ?)')
        ->execute([$_SESSION['user'], $text, session_id()]);
    answer(['id' => (int) $db->lastInsertId()], 201);
}

// A session that stays open locks out every other request of its visitor for as long as this one
// waits. And who has none yet is given none: they have said nothing.
$session = '';
if (isset($_COOKIE[session_name()])) {
    session_start(['read_and_close' => true]);
    $session = session_id();
}

$newer = $db->prepare('SELECT * FROM messages WHERE id > ? ORDER BY id');
$hold = (float) (getenv('CHAT_HOLD') ?: PATIENCE);
set_time_limit((int) $hold + 10);
$until = microtime(true) + $hold;
do {
    $newer->execute([(int) ($_GET['lastId'] ?? 0)]);
    $messages = array_map(fn (array $row) => [
        'id' => (int) $row['id'],
        'user' => $row['user'],
        'text' => $row['text'],
        'mine' => $row['session'] === $session,
    ], $newer->fetchAll());
    if ($messages || !isset($_GET['lastId'])) {
        answer(['messages' => $messages]);
    }
    usleep(100_000);
} while (microtime(true) < $until);

http_response_code(204);
