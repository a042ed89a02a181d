#!/usr/bin/env bash
# gjson 1.20.0 writes numbers anew in Result.String.
#
# Expected: String of a number that was found is the number as it stands in the JSON, as it is for integers
#   of any size. A cursor such as 1503435956.000200, a time with a serial number behind the point, must go
#   back to its server as it came.
# Seen: a number with a point or an exponent is parsed as a float64 and written anew: zeros at its end are
#   lost, and so are digits that a float64 does not hold. Result.Raw has the number as it stands.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'GO'
package main

import (
	"fmt"

	"github.com/tidwall/gjson"
)

func main() {
	for _, number := range []string{"90071992547409931234", "1503435956.000200", "1.10", "1e3", "1700000000.1234567891"} {
		found := gjson.Get(`{"cursor":`+number+`}`, "cursor")
		fmt.Println(found.Raw, found.String())
	}
}
GO
go mod init finding >/dev/null 2>&1
go get github.com/tidwall/gjson@v1.20.0 >/dev/null 2>&1
seen=$(go run .)
printf 'Raw, and String:\n%s\n' "$seen"
[ "$seen" = '90071992547409931234 90071992547409931234
1503435956.000200 1503435956.0002
1.10 1.1
1e3 1000
1700000000.1234567891 1700000000.1234567' ] || { echo 'this has changed'; exit 1; }
