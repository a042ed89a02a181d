<?php

// Follows a stream with PHP's own streams.

require __DIR__ . '/events.php';

[$alone, $url, $id] = arguments();
$stream = new Stream($id);

/** Returns the status, or throws. */
function read(Stream $stream, string $url, array $options, callable $next): int
{
    $options += ['header' => $stream->headerLines(), 'ignore_errors' => true];
    $body = @fopen($url, 'r', false, stream_context_create(['http' => $options]));
    if ($body === false) {
        throw new RuntimeException(error_get_last()['message']);
    }
    $status = (int) explode(' ', stream_get_meta_data($body)['wrapper_data'][0])[1];
    while ($status === 200 && ($bytes = $next($body)) !== false) {
        $stream->feed($bytes);
    }
    // no error tells that nothing came in time
    if (stream_get_meta_data($body)['timed_out']) {
        throw new RuntimeException('nothing came in time');
    }
    return $status;
}

if ($alone) {
    read($stream, $url, [], fgets(...));
    exit;
}
while (true) {
    try {
        // of each read, also in the place of a timeout for connecting; PHP itself has 60 s (default_socket_timeout)
        $options = ['timeout' => lostAfter()];
        // fgets waits for 8 KiB where an answer comes in chunks
        if (isFinal(read($stream, $url, $options, fgetc(...)))) {
            break;
        }
        pause($stream);
    } catch (RuntimeException $e) {
        pause($stream, $e->getMessage());
    }
}
