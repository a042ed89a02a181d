package decode

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/textproto"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

var partCases = framerCases{
	{"a part that the delimiter ends", "--x\r\n\r\na\r\n--x", "a"},
	{"LF", "--x\nA: b\n\na\n--x\n", `a {"A":["b"]}`},
	{"no header", "--x\r\n\r\na\r\n--x\r\n\r\nb\r\n--x", "a | b"},
	{"fields", "--x\r\netag: 7\r\nlast-modified: now\r\n\r\na\r\n--x", `a {"Etag":["7"],"Last-Modified":["now"]}`},
	{"a field over two lines", "--x\r\nA: b\r\n c\r\n\r\na\r\n--x", `a {"A":["b c"]}`},
	{"a part that its length ends", "--x\r\nContent-Length: 3\r\n\r\na\n\n", "a\n\n" + ` {"Content-Length":["3"]}`},
	{"a delimiter within its length", "--x\r\nContent-Length: 5\r\n\r\n\r\n--x\r\n--x\r\n\r\nb\n--x", "\r\n--x" + ` {"Content-Length":["5"]} | b`},
	{"a delimiter at once after its length", "--x\r\nContent-Length: 1\r\n\r\na--x\r\n\r\nb\n--x", `a {"Content-Length":["1"]} | b`},
	{"a length that is none", "--x\r\nContent-Length: one\r\n\r\na\r\n--x", `a {"Content-Length":["one"]}`},
	{"longer than its length", "--x\r\nContent-Length: 1\r\n\r\nab\r\n--x", `a {"Content-Length":["1"]} ! a part of the answer is longer than its Content-Length`},
	{"a preamble", "This is\n --x\n-x\n--\n\n--x\r\n\r\na\r\n--x", "a"},
	{"not complete", "--x\r\n\r\na\r\n--", "…"},
	{"half a header", "--x\r\nA", "…"},
	{"half a counted part", "--x\r\nContent-Length: 3\r\n\r\nab", "…"},
	{"between parts", "--x\r\n\r\na\r\n--x\r\n", "a"},
	{"lines in the body", "--x\r\n\r\n\r\n\na\r\n-\r\n--\n\n--x", "\r\n\na\r\n-\r\n--\n"},
	{"no body", "--x\r\nA: b\r\n\r\n\r\n--x\r\nA: c\r\n\r\n--x", `nil {"A":["b"]} | nil {"A":["c"]}`},
	{"a length of 0", "--x\r\nContent-Length: 0\r\n\r\n\r\n--x\r\n\r\na\n--x", `nil {"Content-Length":["0"]} | a`},
	{"neither header nor body", "--x\r\n\r\n\r\n--x\r\n\r\n--x\r\n\r\na\n--x", "a"},
	{"the end", "--x\r\n\r\na\r\n--x--\r\n--x\r\n\r\nb\r\n--x", "a"},
	{"space after a delimiter", "--x \t\r\n\r\na\r\n--x", "a"},
	{"a header that is none", "--x\r\n\r\na\r\n--x\r\nsecret\r\n\r\nb\r\n--x", "a ! a part of the answer has a header that cannot be read"},
	{"as large as it may be", "--x\nA: 34\n\n" + strings.Repeat("a", 93) + "\r\n--x", strings.Repeat("a", 93) + ` {"A":["34"]}`},
	{"larger", "--x\nA: 34\n\n" + strings.Repeat("a", 94) + "\r\n--x", tooLarge},
	{"larger by its length", "--x\nContent-Length: 100\n\n", tooLarge},
	{"a large header", "--x\n" + strings.Repeat("a: b\n", 21), tooLarge},
	{"a large preamble", strings.Repeat("a", 500) + "\n--x\n\na\n--x", "a"},
}

func TestPartsThatGoOn(t *testing.T) {
	t.Parallel()
	partCases.run(t, func() Framer { return partsOf(`multipart/x-mixed-replace; boundary="x"`)(100) })
}

// Servers write the dashes of the delimiter into the boundary.
func TestABoundaryMayHaveTheDashesOfTheDelimiter(t *testing.T) {
	t.Parallel()
	framerCases{
		{"as RFC 2046 has it", "----x\r\n\r\n--x\r\n----x\r\n\r\nb\r\n----x--", "--x | b"},
		{"with the dashes", "--x\r\n\r\n--a\r\n--x\r\n\r\nb\r\n--x--\r\n", "--a | b"},
	}.run(t, func() Framer { return partsOf("Multipart/X-Mixed-Replace;boundary=--x")(100) })
}

// RFC 2046 has characters in boundaries that a parameter has in quotes only. nchan writes no quotes.
func TestABoundaryMayStandWithoutQuotes(t *testing.T) {
	t.Parallel()
	for _, contentType := range []string{
		"multipart/mixed; boundary=gsk3/Kl.N=s", `Multipart/Mixed;a="/;";  BOUNDARY = gsk3/Kl.N=s ; charset=utf-8`,
		`multipart/mixed; boundary="gsk3/Kl.N=s"`, `multipart/mixed; a=/; boundary="gsk3/Kl.N=s"`,
	} {
		f, err := NewPartFramer(contentType, 100)
		if err != nil {
			t.Errorf("%s: %v", contentType, err)
		} else if got := push(f, "--gsk3/Kl.N=s\r\n\r\na\r\n--gsk3/Kl.N=s").String(); got != "a" {
			t.Errorf("%s: %s", contentType, got)
		}
	}
}

func TestAContentTypeMustHaveABoundary(t *testing.T) {
	t.Parallel()
	for contentType, want := range map[string]string{
		"":                           "is not multipart",
		"multipart/mixed; boundary=": "has no boundary",
		"application/json":           "is not multipart",
		"multipart/mixed":            "has no boundary",
		"multipart/mixed; boundary=" + strings.Repeat("secret", 100): "has no boundary",
	} {
		f, err := NewPartFramer(contentType, 100)
		if f != nil || err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", contentType, err)
		}
	}
}

// FuzzPartFramerReadsParts compares the parts of complete answers with those that mime/multipart reads.
func FuzzPartFramerReadsParts(f *testing.F) {
	f.Add([]byte("a\r\n\r\nb"), []byte("--x\n"), []byte{}, "etag", "x")
	f.Add([]byte("\n"), []byte("\r\n--"), []byte("\r"), "", "")
	f.Fuzz(func(t *testing.T, a, b, c []byte, name, text string) {
		if strings.ContainsAny(name+text, "\r\n") {
			return // the writer would end the header there, and the body would be longer than its Content-Length
		}
		var answer bytes.Buffer
		w := multipart.NewWriter(&answer)
		for i, body := range [][]byte{a, b, c} {
			if bytes.Contains(body, []byte(w.Boundary())) {
				return
			}
			header := make(textproto.MIMEHeader)
			if name != "" {
				header.Set(name, text)
			}
			if i == 1 {
				header.Set("Content-Length", strconv.Itoa(len(body)))
			}
			part, err := w.CreatePart(header)
			if err != nil {
				return
			}
			part.Write(body)
		}
		w.Close()

		var want []Record
		r := multipart.NewReader(bytes.NewReader(answer.Bytes()), w.Boundary())
		for {
			part, err := r.NextRawPart()
			if err == io.EOF {
				break
			}
			if err != nil {
				return
			}
			body, err := io.ReadAll(part)
			if err != nil {
				return
			}
			if len(part.Header) == 0 {
				part.Header = nil
			}
			if len(body) > 0 || part.Header != nil {
				want = append(want, Record{Body: body, Header: map[string][]string(part.Header)})
			}
		}
		framer, err := NewPartFramer(w.FormDataContentType(), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		got := push(framer, answer.String())
		for i := range want {
			if len(want[i].Body) == 0 {
				want[i].Body = nil
			}
		}
		if !reflect.DeepEqual(got.records, want) || got.err != nil {
			t.Fatalf("%q is %v, by mime/multipart %v", answer.String(), got, framed{records: want})
		}
	})
}
