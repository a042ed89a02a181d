#!/usr/bin/env bash
# jsondiff 0.7.1 (github.com/wI2L/jsondiff) takes integers above 2^53 that differ for equal.
#
# Expected: CompareJSON of two documents, of which a counter has gone from 9007199254740992 to
#   9007199254740993, is a patch that replaces it. RFC 6902 leaves the numbers to RFC 8259, which allows
#   such integers; backends have them as ids and nanoseconds.
# Seen: the patch is empty, since both are decoded to one float64. With jsondiff.UnmarshalFunc and a
#   decoder that uses json.Number the patch is there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'GO'
package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/wI2L/jsondiff"
)

func main() {
	before, after := []byte(`{"seq":9007199254740992}`), []byte(`{"seq":9007199254740993}`)
	plain, err := jsondiff.CompareJSON(before, after)
	if err != nil {
		panic(err)
	}
	exact, err := jsondiff.CompareJSON(before, after, jsondiff.UnmarshalFunc(func(b []byte, v any) error {
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		return d.Decode(v)
	}))
	if err != nil {
		panic(err)
	}
	fmt.Printf("plain: %d operations\nwith json.Number: %s\n", len(plain), exact)
}
GO
go mod init finding >/dev/null 2>&1
go get github.com/wI2L/jsondiff@v0.7.1 >/dev/null 2>&1
seen=$(go run .)
printf '9007199254740992 → 9007199254740993\n%s\n' "$seen"
[ "$seen" = 'plain: 0 operations
with json.Number: [{"value":9007199254740993,"op":"replace","path":"/seq"}]' ] || { echo 'this has changed'; exit 1; }
