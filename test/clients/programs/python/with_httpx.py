"""Follows a stream with httpx, over HTTP/2 if the server has it."""

import time

import httpx

from events import arguments, is_final, lost_after

alone, url, stream = arguments()


def read(**options):
    with httpx.Client(http2=True, **options) as client:
        with client.stream("GET", url, headers=stream.headers()) as response:
            if response.status_code == 200:
                for chunk in response.iter_bytes():
                    stream.feed(chunk)
            return response.status_code


if alone:
    read()
while not alone:
    try:
        if is_final(read(timeout=lost_after())):  # of each read; httpx itself has 5 s
            break
    except httpx.TransportError as error:
        print("lost:", repr(error), flush=True)
    time.sleep(stream.wait)
