package clients

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

const clientTable = "docs/clients.md"

// clientColumns are the columns of the table, and what trials call them.
var clientColumns = []struct{ key, title string }{
	{"http", "HTTP"},
	{"events", "events"},
	{"cut", "connection cut"},
	{"retry", "`retry:`"},
	{"api", "stored id"},
	{"query", "`?lastEventId=`"},
	{"end", "stream ends"},
	{"204", "204"},
	{"401", "401"},
	{"many", "streams per host"},
}

// checkClientTable compares what was seen, for each program over HTTP and HTTPS, with the table of docs/clients.md. With
// -update it is written. Rows of clients that are missing are not looked at, nor are Debian's versions.
func checkClientTable(t *testing.T, programs []program, seen []map[bool]behaviour) {
	t.Helper()
	content, err := os.ReadFile(clientTable)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- table -->\n", "<!-- end of the table -->\n"
	before, rest, ok := bytes.Cut(content, []byte(begin))
	old, after, closed := bytes.Cut(rest, []byte(end))
	if !ok || !closed {
		t.Fatalf("%s has no table between the lines %q and %q", clientTable, begin, end)
	}

	titles := []string{"client", "version"}
	for _, column := range clientColumns {
		titles = append(titles, column.title)
	}
	rows := [][]string{titles, slices.Repeat([]string{"---"}, len(titles))}
	for i, p := range programs {
		for _, b := range versionsOfHTTP(seen[i]) {
			row := []string{p.name, p.version}
			for _, column := range clientColumns {
				cell := b[column.key]
				if cell == "" {
					cell = "–"
				}
				row = append(row, cell)
			}
			rows = append(rows, row)
		}
	}
	var table strings.Builder
	for _, row := range rows {
		fmt.Fprintf(&table, "| %s |\n", strings.Join(row, " | "))
	}
	if *testsite.Update {
		if err := os.WriteFile(clientTable, slices.Concat(before, []byte(begin+table.String()+end), after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}

	compared := func(text string) (lines []string) {
		for line := range strings.Lines(text) {
			cells := strings.Split(strings.Trim(strings.TrimSpace(line), "| "), " | ")
			i := slices.IndexFunc(programs, func(p program) bool { return p.name == cells[0] })
			switch {
			case i < 0 && cells[0] != titles[0]:
				continue
			case i >= 0 && programs[i].debian && len(cells) > 1:
				cells[1] = "Debian's"
			}
			lines = append(lines, strings.Join(cells, " | "))
		}
		return lines
	}
	if got, want := compared(table.String()), compared(string(old)); !slices.Equal(got, want) {
		t.Errorf("%s says\n%s\nbut this was seen (-args -update writes it):\n%s", clientTable, strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
}

// versionsOfHTTP returns one row for each version of HTTP, or one for both where the client does the same.
func versionsOfHTTP(seen map[bool]behaviour) []behaviour {
	plain, secure := maps.Clone(seen[false]), maps.Clone(seen[true])
	one, two := plain["http"], secure["http"]
	delete(plain, "http")
	delete(secure, "http")
	if !maps.Equal(plain, secure) {
		return []behaviour{seen[false], seen[true]}
	}
	plain["http"] = one
	if two != one {
		plain["http"] += ", " + two
	}
	return []behaviour{plain}
}
