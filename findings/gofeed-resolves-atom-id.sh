#!/usr/bin/env bash
# gofeed 1.4.2 changes atom:id of entries below an xml:base.
#
# Expected: the id of an entry comes as it stands in the feed. RFC 4287, section 4.2.6, has processors
#   compare ids character by character, as if they were opaque; xml:base does not apply to them in a
#   way that may merge two.
# Seen: the id is resolved against xml:base as if it were a link, and dots in its path are removed. Two
#   entries with different ids come out with one, so that whoever knows entries by their id loses one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'GO'
package main

import (
	"fmt"

	"github.com/mmcdole/gofeed"
)

const feed = `<?xml version="1.0"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:base="http://example.org/blog/">
<title>t</title><id>http://example.org/feed</id><updated>2026-01-01T00:00:00Z</updated>
<entry><title>one</title><id>http://example.org/a/../b</id><updated>2026-01-01T00:00:00Z</updated></entry>
<entry><title>two</title><id>http://example.org/b</id><updated>2026-01-01T00:00:00Z</updated></entry>
<entry><title>three</title><id>post-3</id><updated>2026-01-01T00:00:00Z</updated></entry>
</feed>`

func main() {
	f, err := gofeed.NewParser().ParseString(feed)
	if err != nil {
		panic(err)
	}
	for _, item := range f.Items {
		fmt.Println(item.Title, item.GUID)
	}
}
GO
go mod init finding >/dev/null 2>&1
go get github.com/mmcdole/gofeed@v1.4.2 >/dev/null 2>&1
seen=$(go run .)
printf 'in the feed: http://example.org/a/../b, http://example.org/b, post-3\nas parsed:\n%s\n' "$seen"
[ "$seen" = 'one http://example.org/b
two http://example.org/b
three http://example.org/blog/post-3' ] || { echo 'this has changed'; exit 1; }
