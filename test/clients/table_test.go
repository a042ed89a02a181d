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

// families are the tables, one for each kind of client, and their columns. A column has the key that trials give it.
var families = []struct {
	title   string
	columns []string
}{
	{browsers, []string{"http", "events", "cut", "torn", "fin", "away", "silence", "retry", "query", "end", "busy", "204", "401", "502", "many"}},
	{libraries, []string{"http", "events", "cut", "fin", "away", "silence", "retry", "api", "query", "end", "busy", "204", "401", "502"}},
	{npm, []string{"http", "events", "cut", "fin", "away", "silence", "retry", "api", "query", "end", "busy", "204", "401", "502"}},
	{golang, []string{"http", "events", "cut", "fin", "away", "silence", "retry", "api", "query", "end", "busy", "204", "401", "502"}},
	{httpClients, []string{"http", "events", "cut", "fin", "silence", "end", "program"}},
}

// columnTitles are the titles of columns that have another than their key.
var columnTitles = map[string]string{
	"http": "HTTP", "cut": "cut", "torn": "torn event", "fin": "FIN", "away": "server away", "retry": "`retry:`", "api": "stored id", "query": "`?lastEventId=`", "many": "streams per host", "busy": "`bridge.busy`",
	"program": "a program that follows",
}

// checkClientTable compares what was seen, for each program over HTTP and HTTPS, with the tables of docs/clients.md. With
// -update they are written. Rows of clients that are missing are not looked at, nor are Debian's versions.
func checkClientTable(t *testing.T, programs []program, seen []map[bool]behaviour) {
	t.Helper()
	content, err := os.ReadFile(clientTable)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- tables -->\n", "<!-- end of the tables -->\n"
	before, rest, ok := bytes.Cut(content, []byte(begin))
	old, after, closed := bytes.Cut(rest, []byte(end))
	if !ok || !closed {
		t.Fatalf("%s has no tables between the lines %q and %q", clientTable, begin, end)
	}
	var tables strings.Builder
	for _, family := range families {
		titles := []string{"client", "version"}
		for _, column := range family.columns {
			title := columnTitles[column]
			if title == "" {
				title = column
			}
			titles = append(titles, title)
		}
		rows := [][]string{titles, slices.Repeat([]string{"---"}, len(titles))}
		for i, p := range programs {
			if p.family != family.title {
				continue
			}
			for _, b := range versionsOfHTTP(seen[i]) {
				row := []string{p.name, p.version}
				for _, column := range family.columns {
					cell := b[column]
					if cell == "" {
						cell = "–"
					}
					row = append(row, cell)
				}
				rows = append(rows, row)
			}
		}
		fmt.Fprintf(&tables, "\n**%s**\n\n", family.title)
		for _, row := range rows {
			fmt.Fprintf(&tables, "| %s |\n", strings.Join(row, " | "))
		}
	}
	if *testsite.Update {
		if err := os.WriteFile(clientTable, slices.Concat(before, []byte(begin+tables.String()+"\n"+end), after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}

	compared := func(text string) (lines []string) {
		for line := range strings.Lines(text) {
			cells := strings.Split(strings.Trim(strings.TrimSpace(line), "| "), " | ")
			i := slices.IndexFunc(programs, func(p program) bool { return p.name == cells[0] })
			switch {
			case i < 0 && len(cells) > 1 && cells[0] != "client":
				continue
			case i >= 0 && programs[i].debian && len(cells) > 1:
				cells[1] = "Debian's"
			}
			lines = append(lines, strings.Join(cells, " | "))
		}
		return lines
	}
	got, want := compared(tables.String()), compared(strings.TrimSuffix(string(old), "\n"))
	if slices.Equal(got, want) {
		return
	}
	t.Errorf("%s says otherwise than what was seen (-args -update writes it). It says only:\n%s\nOnly this was seen:\n%s",
		clientTable, strings.Join(without(want, got), "\n"), strings.Join(without(got, want), "\n"))
}

// without returns the lines that are not among others.
func without(lines, others []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return slices.Contains(others, line) })
}

// versionsOfHTTP returns one row for each version of HTTP, or one for both where the client does the same.
func versionsOfHTTP(seen map[bool]behaviour) []behaviour {
	plain, secure := maps.Clone(seen[false]), maps.Clone(seen[true])
	one, two := plain["http"], secure["http"]
	delete(plain, "http")
	delete(secure, "http")
	if !maps.Equal(plain, secure) {
		if one == two {
			secure["http"] = two + ", TLS"
			return []behaviour{seen[false], secure}
		}
		return []behaviour{seen[false], seen[true]}
	}
	plain["http"] = one
	if two != one {
		plain["http"] += ", " + two
	}
	return []behaviour{plain}
}
