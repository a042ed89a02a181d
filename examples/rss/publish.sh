#!/bin/sh
# publish.sh TITLE adds an entry to site/feed.xml, as a generator of static sites does: the newest
# first, 20 in all, and the file is replaced as a whole.
set -eu
cd "$(dirname "$0")/site"

older=
[ ! -f feed.xml ] || older=$(grep '^<item>' feed.xml | head -n 19)
newest=$(printf '%s' "$older" | sed -n '1s/.*urn:entry:\([0-9]*\).*/\1/p')
number=$((${newest:-0} + 1))
title=$(printf '%s' "$1" | sed 's/&/\&amp;/g; s/</\&lt;/g')

cat >feed.xml.new <<XML
<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0"><channel><title>News</title><link>http://localhost:8080/</link><description>What is new</description>
<item><guid isPermaLink="false">urn:entry:$number</guid><title>$title</title><pubDate>$(LC_ALL=C date -u '+%a, %d %b %Y %H:%M:%S GMT')</pubDate></item>
$older
</channel></rss>
XML
mv feed.xml.new feed.xml
