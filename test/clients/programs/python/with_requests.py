"""Follows a stream with requests."""

import time

import requests

from events import arguments, is_final, lost_after

alone, url, stream = arguments()


def read(**options):
    with requests.get(url, headers=stream.headers(), stream=True, **options) as response:
        if response.status_code == 200:
            for chunk in response.iter_content(chunk_size=None):
                stream.feed(chunk)
        return response.status_code


if alone:
    read()
while not alone:
    try:
        if is_final(read(timeout=lost_after())):
            break
    except requests.RequestException as error:
        print("lost:", repr(error), flush=True)
    time.sleep(stream.wait)
