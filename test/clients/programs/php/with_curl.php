<?php

// Follows a stream with PHP's curl extension.

require __DIR__ . '/events.php';

[$alone, $url, $id] = arguments();
$stream = new Stream($id);

/** Returns the status, or throws. */
function read(Stream $stream, string $url, array $options): int
{
    $curl = curl_init($url);
    curl_setopt_array($curl, [
        CURLOPT_HTTPHEADER => $stream->headerLines(),
        CURLOPT_WRITEFUNCTION => function ($curl, string $chunk) use ($stream): int {
            $stream->feed($chunk);
            return strlen($chunk);
        },
    ] + $options);
    if (!curl_exec($curl)) {
        throw new RuntimeException(curl_error($curl));
    }
    return curl_getinfo($curl, CURLINFO_RESPONSE_CODE);
}

if ($alone) {
    read($stream, $url, []);
    exit;
}
while (true) {
    try {
        // less than a byte per second, for so many seconds
        $options = [CURLOPT_LOW_SPEED_LIMIT => 1, CURLOPT_LOW_SPEED_TIME => (int) lostAfter(), CURLOPT_CONNECTTIMEOUT => 10];
        if (isFinal(read($stream, $url, $options))) {
            break;
        }
        pause($stream);
    } catch (RuntimeException $e) {
        pause($stream, $e->getMessage());
    }
}
