#!/usr/bin/env bash
# gofeed 1.4.2 has no id for the items of RSS 1.0.
#
# Expected: an item of RSS 1.0 is identified by its attribute rdf:about, which it must have, and which is unique in the feed
#   (RSS 1.0, section 5.5). So it is the item's GUID, as guid is in RSS 2.0 and id in Atom.
# Seen: GUID is empty, and the attribute is nowhere else in the item. Two items with one title and one link cannot be
#   told apart.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mmcdole/gofeed"
)

const feed = `<?xml version="1.0"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
<channel rdf:about="http://example.org/"><title>t</title><link>http://example.org/</link><description>d</description>
<items><rdf:Seq><rdf:li resource="http://example.org/#1"/><rdf:li resource="http://example.org/#2"/></rdf:Seq></items></channel>
<item rdf:about="http://example.org/#1"><title>Update</title><link>http://example.org/</link></item>
<item rdf:about="http://example.org/#2"><title>Update</title><link>http://example.org/</link></item>
</rdf:RDF>`

func main() {
	f, err := gofeed.NewParser().ParseString(feed)
	if err != nil {
		panic(err)
	}
	for _, item := range f.Items {
		text, err := json.Marshal(item)
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s: GUID %q, has its id anywhere: %t\n", item.Title, item.GUID, strings.Contains(string(text), "/#"))
	}
}
GO
go mod init finding >/dev/null 2>&1
go get github.com/mmcdole/gofeed@v1.4.2 >/dev/null 2>&1
seen=$(go run .)
printf 'in the feed: http://example.org/#1, http://example.org/#2\nas parsed:\n%s\n' "$seen"
[ "$seen" = 'Update: GUID "", has its id anywhere: false
Update: GUID "", has its id anywhere: false' ] || { echo 'this has changed'; exit 1; }
