package page

import "testing"

func TestXMLItems(t *testing.T) {
	t.Parallel()
	r := reader(t, "format xml; items rows.row; id -id; event kind; data #text")
	p := mustRead(t, r, ok(`<?xml version="1.0"?><rows><row id="7"><kind>k</kind>a</row><row id="8">b</row></rows>`), at(""))
	equal(t, "ids", ids(p), "7 8")
	equal(t, "data", datas(p), "a b")
	equal(t, "type", p.Events[0].Type, "k")
	one := mustRead(t, r, ok(`<rows><row id="9">c</row></rows>`), at("8"))
	equal(t, "ids of a list of one", ids(one), "9")
	none := mustRead(t, r, ok(`<rows/>`), at("9"))
	equal(t, "news of an empty list", none.News, false)
}

func TestXMLIsConvertedFromTheCharsetThatCounts(t *testing.T) {
	t.Parallel()
	const latin1 = "<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>"
	for _, c := range []struct{ name, xml, header string }{
		{"declared", latin1, "Content-Type: text/xml"},
		{"in the header", "<a>\xe9</a>", "Content-Type: text/xml; charset=latin1"},
		{"in both", latin1, "Content-Type: application/xml; charset=ISO-8859-1"},
		{"the header counts", "<?xml version='1.0' encoding='ISO-8859-1'?><a>é</a>", "Content-Type: text/xml; charset=utf-8"},
		{"the mark counts", "\uFEFF<?xml version='1.0' encoding='ISO-8859-1'?><a>é</a>", ""},
		{"utf-16", "\xff\xfe<\x00a\x00>\x00\xe9\x00<\x00/\x00a\x00>\x00", ""},
		{"utf-16 that is none, as .NET declares it", "<?xml version='1.0' encoding='utf-16'?><a>é</a>", "Content-Type: text/xml"},
		{"unicode that is none", "<?xml version='1.0' encoding='Unicode'?><a>é</a>", ""},
		{"utf-8", "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<a>é</a>\n", ""},
	} {
		p := mustRead(t, reader(t, "format xml; data a"), ok(c.xml, c.header), at())
		equal(t, c.name, datas(p), "é")
	}
}
