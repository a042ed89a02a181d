<?php

// What a program needs to follow an event stream with a client that knows only HTTP. The programs beside this file are used as those of
// python/events.py.

/** The events of a stream, and where it was left. */
final class Stream
{
    public float $wait = 3.0; // s, until the client comes back
    private string $rest = '';
    private string $id = '';
    private string $type = '';
    private array $data = [];

    public function __construct(private string $lastId)
    {
    }

    /** Returns the headers of the next request. Half an event that a lost connection has left is forgotten. */
    public function headers(): array
    {
        $this->rest = $this->type = '';
        $this->id = $this->lastId;
        $this->data = [];
        return ['Accept' => 'text/event-stream'] + ($this->id === '' ? [] : ['Last-Event-ID' => $this->id]);
    }

    /** Returns the same, as lines. */
    public function headerLines(): array
    {
        $headers = $this->headers();
        return array_map(fn ($name, $value) => "$name: $value", array_keys($headers), $headers);
    }

    /** Takes bytes as they come, and prints the events that they complete. */
    public function feed(string $chunk): void
    {
        $lines = explode("\n", $this->rest . $chunk);
        $this->rest = array_pop($lines);
        foreach ($lines as $line) {
            $this->line(preg_replace('/\r$/D', '', $line));
        }
    }

    private function line(string $line): void
    {
        if ($line === '') {
            $this->lastId = $this->id; // not before, as the event may be cut off
            if ($this->data) {
                show($this->type ?: 'message', $this->id, implode("\n", $this->data));
            }
            $this->type = '';
            $this->data = [];
            return;
        }
        [$field, $value] = explode(':', $line, 2) + [1 => ''];
        $value = preg_replace('/^ /', '', $value);
        match ($field) {
            'event' => $this->type = $value,
            'data' => $this->data[] = $value,
            'id' => $this->id = $value,
            'retry' => $this->wait = (int) $value / 1000,
            default => null,
        };
    }
}

function show(string $type, string $id, string $data): void
{
    echo json_encode([$type, $id, $data]), "\n";
}

/** Tells whether a status means that nothing will follow, or that the client is refused. */
function isFinal(int $status): bool
{
    return $status === 204 || $status >= 400 && $status < 500;
}

/** Returns how many seconds without a byte mean that the connection is lost. The bridge sends a comment every 15 s. */
function lostAfter(): float
{
    return (getenv('LOST_AFTER') ?: 40000) / 1000;
}

/** Waits until the client is to come back. */
function pause(Stream $stream, ?string $lost = null): void
{
    if ($lost !== null) {
        echo "lost: $lost\n";
    }
    usleep((int) ($stream->wait * 1e6));
}

/** Returns whether the client is to be left alone, the URL, and the id with which it starts. */
function arguments(): array
{
    global $argv;
    return [$argv[1] === 'alone', $argv[2], $argv[3] ?? ''];
}
