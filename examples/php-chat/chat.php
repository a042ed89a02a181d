<?php
// A chat of the kind that PHP sites have: pages ask chat.php?lastId=N, which waits for messages
// after N and then answers {"messages": [{"id": …, "user": …, "text": …, "sent": …}]}.
// POST with user and text says something.
//
// CHAT_DB   the database file (default: chat.sqlite beside this script)
// CHAT_HOLD how many seconds a request waits (default: 20)

declare(strict_types=1);

$hold = (float) (getenv('CHAT_HOLD') ?: 20);
set_time_limit((int) $hold + 10);

$db = new PDO('sqlite:' . (getenv('CHAT_DB') ?: __DIR__ . '/chat.sqlite'), null, null, [
    PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
    PDO::ATTR_TIMEOUT => 5,
]);
$db->exec('CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, user TEXT NOT NULL, text TEXT NOT NULL, sent INTEGER NOT NULL
)');

function answer(array $body, int $status = 200): never
{
    http_response_code($status);
    header('Content-Type: application/json');
    header('Cache-Control: no-store');
    echo json_encode($body, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE);
    exit;
}

function messages(PDO $db, string $sql, array $values): array
{
    $statement = $db->prepare($sql);
    $statement->execute($values);
    return array_map(
        fn (array $row) => [
            'id' => (int) $row['id'], 'user' => $row['user'], 'text' => $row['text'], 'sent' => (int) $row['sent'],
        ],
        $statement->fetchAll(PDO::FETCH_ASSOC),
    );
}

if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    $user = trim((string) ($_POST['user'] ?? '')) ?: 'guest';
    $text = trim((string) ($_POST['text'] ?? ''));
    if ($text === '') {
        answer(['error' => 'text is missing'], 422);
    }
    $db->prepare('INSERT INTO messages (user, text, sent) VALUES (?, ?, ?)')
        ->execute([$user, $text, (int) (microtime(true) * 1000)]);
    answer(['id' => (int) $db->lastInsertId()], 201);
}

if (!isset($_GET['lastId'])) {
    $latest = messages($db, 'SELECT * FROM messages ORDER BY id DESC LIMIT ?', [20]);
    answer(['messages' => array_reverse($latest)]);
}

$until = microtime(true) + $hold;
do {
    $newer = messages($db, 'SELECT * FROM messages WHERE id > ? ORDER BY id', [(int) $_GET['lastId']]);
    if ($newer) {
        answer(['messages' => $newer]);
    }
    usleep(100_000);
} while (microtime(true) < $until);

http_response_code(204);
