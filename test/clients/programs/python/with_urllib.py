"""Follows a stream with urllib.request, of Python's standard library."""

import http.client
import time
import urllib.error
import urllib.request

from events import arguments, is_final, lost_after

alone, url, stream = arguments()


def read(**options):
    request = urllib.request.Request(url, headers=stream.headers())
    try:
        with urllib.request.urlopen(request, **options) as response:
            for line in response:
                stream.feed(line)
            return response.status
    except urllib.error.HTTPError as error:
        return error.code


if alone:
    read()
while not alone:
    try:
        if is_final(read(timeout=lost_after())):
            break
    except (OSError, http.client.HTTPException) as error:
        print("lost:", repr(error), flush=True)
    time.sleep(stream.wait)
