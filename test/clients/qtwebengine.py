"""Opens pages in QtWebEngine, with the commands and the output of npm/browser.mjs:

    python3 qtwebengine.py

Each line of standard input is a page's number and its URL, or the number alone to close it. What a page says with
console.log is printed behind its number. "0 ready" is printed when the first page has been shown.
"""

import os
import sys

os.environ.setdefault('QT_QPA_PLATFORM', 'offscreen')

from PyQt5.QtCore import QSocketNotifier, QUrl
from PyQt5.QtWebEngineWidgets import QWebEnginePage, QWebEngineProfile
from PyQt5.QtWidgets import QApplication

# There is no sandbox for root in a container, whose /dev/shm may be small.
app = QApplication(['qtwebengine', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'])
profile = QWebEngineProfile()  # which keeps nothing
pages = {}


class Page(QWebEnginePage):
    def __init__(self, number):
        super().__init__(profile)
        self.number = number

    def javaScriptConsoleMessage(self, level, message, line, source):
        print(self.number, message, flush=True)

    def certificateError(self, error):
        return True


def close(number):
    page = pages.pop(number, None)
    if page:
        page.deleteLater()


rest = b''


def read():
    global rest
    some = os.read(0, 1 << 16)
    if not some:
        app.quit()
    *lines, rest = (rest + some).split(b'\n')
    for line in lines:
        number, _, url = line.decode().partition(' ')
        if not url:
            close(number)
            continue
        pages[number] = Page(number)
        pages[number].load(QUrl(url))


first = pages['0'] = Page('0')
first.loadFinished.connect(lambda ok: (print('0 ready', flush=True), close('0')))
first.setHtml('ready')
notifier = QSocketNotifier(0, QSocketNotifier.Read)
notifier.activated.connect(read)
app.exec_()
for number in list(pages):
    close(number)
sys.stdout.flush()
os._exit(0)  # Qt complains of a profile that ends before its pages
