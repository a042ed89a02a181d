<?php
// The long poll that many tutorials teach: a page asks filemtime.php?timestamp=T, and gets the
// file as soon as it was written after T. It is compared by the second, so that what is written
// in the second in which the file was already answered goes unseen until the next change.
//
// DATA_FILE the file (default: data.txt beside this script)
// DATA_HOLD how many seconds a request waits (default: 20)

declare(strict_types=1);

$file = getenv('DATA_FILE') ?: __DIR__ . '/data.txt';
$hold = (float) (getenv('DATA_HOLD') ?: 20);
set_time_limit((int) $hold + 10);

$seen = (int) ($_GET['timestamp'] ?? 0);
$until = microtime(true) + $hold;

do {
    clearstatcache();
    $changed = (int) @filemtime($file);
    if ($changed > $seen) {
        header('Content-Type: application/json');
        header('Cache-Control: no-store');
        echo json_encode(['data_from_file' => file_get_contents($file), 'timestamp' => $changed]);
        exit;
    }
    usleep(100_000);
} while (microtime(true) < $until);

http_response_code(204);
