<?php

// Follows a stream with Symfony's EventSourceHttpClient.

use Symfony\Component\HttpClient\Chunk\ServerSentEvent;
use Symfony\Component\HttpClient\EventSourceHttpClient;
use Symfony\Contracts\HttpClient\Exception\TransportExceptionInterface;

require 'Symfony/Component/HttpClient/autoload.php';
require __DIR__ . '/events.php';

[$alone, $url, $id] = arguments();

if ($alone) {
    $client = new EventSourceHttpClient();
    $source = $client->connect($url, ['headers' => $id === '' ? [] : ['Last-Event-ID' => $id]]);
    foreach ($client->stream($source) as $chunk) {
        if ($chunk instanceof ServerSentEvent) {
            show($chunk->getType(), $chunk->getId(), $chunk->getData());
        }
    }
    exit;
}
$wait = 3.0;
while (true) {
    try {
        $client = new EventSourceHttpClient(null, $wait);
        // in the query, as it forgets a header if the connection is lost before the first event
        $source = $client->connect($url, ['query' => $id === '' ? [] : ['lastEventId' => $id]]);
        foreach ($client->stream($source, lostAfter()) as $chunk) {
            if ($chunk->isTimeout()) {
                $source->cancel();
                break;
            }
            if ($chunk->isFirst() && isFinal($source->getStatusCode())) {
                exit;
            }
            if ($chunk instanceof ServerSentEvent) {
                $id = $chunk->getId() ?: $id;
                $wait = $chunk->getRetry() ?: $wait;
                if ($chunk->getData() !== '') {
                    show($chunk->getType(), $id, $chunk->getData());
                }
            }
        }
    } catch (TransportExceptionInterface $e) {
        echo 'lost: ', $e->getMessage(), "\n";
    }
    usleep((int) ($wait * 1e6)); // it does not come back after an end
}
