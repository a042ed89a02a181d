#!/usr/bin/env bash
# mxj 2.7.0 loses text that stands beside a CDATA section.
#
# Expected: the text of an element is all of its character data, as XML 1.0 defines it (section 2.4): a CDATA
#   section is a way of writing text, and not a border within it. encoding/xml reads it so.
# Seen: NewMapXml keeps only the last piece: what follows the last CDATA section, or that section if nothing follows.
#   The rest is lost, without an error. Feeds write titles and contents like this.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'GO'
package main

import (
	"encoding/xml"
	"fmt"

	"github.com/clbanning/mxj/v2"
)

func main() {
	for _, text := range []string{"<title>plain</title>", "<title><![CDATA[one]]></title>", "<title>one <![CDATA[two]]></title>", "<title><![CDATA[one]]> two</title>", "<title>one <![CDATA[two]]> three</title>"} {
		read, err := mxj.NewMapXml([]byte(text))
		if err != nil {
			panic(err)
		}
		var all struct {
			Text string `xml:",chardata"`
		}
		if err := xml.Unmarshal([]byte(text), &all); err != nil {
			panic(err)
		}
		fmt.Printf("%s %q %q\n", text, read["title"], all.Text)
	}
}
GO
go mod init finding >/dev/null 2>&1
go get github.com/clbanning/mxj/v2@v2.7.0 >/dev/null 2>&1
seen=$(go run .)
printf 'mxj, and encoding/xml:\n%s\n' "$seen"
[ "$seen" = '<title>plain</title> "plain" "plain"
<title><![CDATA[one]]></title> "one" "one"
<title>one <![CDATA[two]]></title> "two" "one two"
<title><![CDATA[one]]> two</title> "two" "one two"
<title>one <![CDATA[two]]> three</title> "three" "one two three"' ] || { echo 'this has changed'; exit 1; }
