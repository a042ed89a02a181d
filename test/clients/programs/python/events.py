"""What a program needs to follow an event stream with a client that knows only HTTP.

Each program beside this file follows a stream with another client:

    with_requests.py alone|follow <url> [<last event id>]

It prints a JSON array of type, id and data for each event. `alone`, it does what its client does by itself, and exits when that has
come to an end: with 0 if the stream has ended as it should, or with an error. With `follow` it comes back, until nothing will follow.
"""

import json
import os
import sys


class Stream:
    """The events of a stream, and where it was left."""

    def __init__(self, last_id=""):
        self.last_id = last_id
        self.wait = 3.0  # s, until the client comes back

    def headers(self):
        """Returns the headers of the next request. Half an event that a lost connection has left is forgotten."""
        self.rest = b""
        self.id, self.type, self.data = self.last_id, "", []
        headers = {"Accept": "text/event-stream"}
        if self.last_id:
            headers["Last-Event-ID"] = self.last_id
        return headers

    def feed(self, chunk):
        """Takes bytes as they come, and prints the events that they complete."""
        *lines, self.rest = (self.rest + chunk).split(b"\n")
        for line in lines:
            self.line(line.decode().removesuffix("\r"))

    def line(self, line):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if line == "":
            self.last_id = self.id  # not before, as the event may be cut off
            if self.data:
                print(json.dumps([self.type or "message", self.last_id, "\n".join(self.data)]), flush=True)
            self.type, self.data = "", []
        elif field == "event":
            self.type = value
        elif field == "data":
            self.data.append(value)
        elif field == "id":
            self.id = value
        elif field == "retry":
            self.wait = int(value) / 1000


def is_final(status):
    """Tells whether a status means that nothing will follow, or that the client is refused."""
    return status == 204 or 400 <= status < 500


def lost_after():
    """Returns how many seconds without a byte mean that the connection is lost. The bridge sends a comment every 15 s."""
    return int(os.environ.get("LOST_AFTER", "40000")) / 1000


def arguments():
    """Returns whether the client is to be left alone, the URL, and the stream."""
    mode, url, *last_id = sys.argv[1:]
    return mode == "alone", url, Stream(*last_id)
