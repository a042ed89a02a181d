<?php

// Follows a stream with Guzzle.

use GuzzleHttp\Client;
use GuzzleHttp\Exception\GuzzleException;
use GuzzleHttp\Psr7\Utils;

require 'GuzzleHttp/autoload.php';
require __DIR__ . '/events.php';

[$alone, $url, $id] = arguments();
$stream = new Stream($id);
$client = new Client(['stream' => true, 'http_errors' => false]);

if ($alone) {
    $body = $client->get($url, ['headers' => $stream->headers()])->getBody();
    while (!$body->eof()) {
        $stream->feed($body->read(1024));
    }
    exit;
}
while (true) {
    try {
        // read_timeout is of each read; PHP itself has 60 s (default_socket_timeout)
        $response = $client->get($url, ['headers' => $stream->headers(), 'connect_timeout' => 10, 'read_timeout' => lostAfter()]);
        if (isFinal($response->getStatusCode())) {
            break;
        }
        // read($length) waits until it has so much; what is empty is the end, or a timeout
        while (($line = Utils::readLine($response->getBody())) !== '') {
            $stream->feed($line);
        }
        pause($stream);
    } catch (GuzzleException | RuntimeException $e) {
        pause($stream, $e->getMessage());
    }
}
