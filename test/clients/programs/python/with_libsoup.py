"""Follows a stream with libsoup."""

import os
import time

import gi

gi.require_version("Soup", "3.0")
from gi.repository import Gio, GLib, Soup

from events import arguments, is_final, lost_after

alone, url, stream = arguments()
tls = Gio.TlsFileDatabase.new(os.environ["SSL_CERT_FILE"]) if "SSL_CERT_FILE" in os.environ else None


def read(timeout=0):
    session = Soup.Session(timeout=timeout)
    if tls:
        session.set_tls_database(tls)
    message = Soup.Message.new("GET", url)
    for name, value in stream.headers().items():
        message.get_request_headers().append(name, value)
    body = session.send(message, None)
    while message.get_status() == 200:
        chunk = body.read_bytes(1 << 14, None)
        if chunk.get_size() == 0:
            break
        stream.feed(chunk.get_data())
    return message.get_status()


if alone:
    read()
else:
    # over HTTP/2 it does not notice that a connection is lost, whatever its timeout
    os.environ["SOUP_FORCE_HTTP1"] = "1"
while not alone:
    try:
        if is_final(read(timeout=round(lost_after()))):  # of silence, in s; libsoup itself has none
            break
    except GLib.Error as error:
        print("lost:", error.message, flush=True)
    time.sleep(stream.wait)
