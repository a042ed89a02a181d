package docs

import (
	"bytes"
	"fmt"
	"go/ast"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"golang.org/x/tools/go/packages"
)

// described is a struct of the configuration, and the title under which docs/reference.md describes it.
type described struct{ name, title string }

// modules are the Caddy modules: the packages of their structs, and what of these is described. The first is the
// module's own.
var modules = []struct {
	packages []string
	structs  []described
}{
	{[]string{"", "/internal/config"}, []described{
		{"Config", "sse_bridge"},
		{"Edit", "Edit"},
		{"Body", "Body"},
		{"Step", "Step"},
		{"Interval", "Interval"},
		{"Type", "Type"},
		{"Cursor", "Cursor"},
		{"Condition", "Condition"},
		{"Replay", "Replay"},
		{"Limits", "Limits"},
	}},
	{[]string{"/internal/app"}, []described{{"App", "App sse_bridge"}}},
	{[]string{"/nats"}, []described{{"Engine", "Engine nats"}, {"TLS", "TLS of nats"}}},
	{[]string{"/redis"}, []described{{"Engine", "Engine redis"}, {"TLS", "TLS of redis"}}},
}

// TestDocumentOfReference keeps docs/reference.md as the comments of the JSON fields make it; `make docs`
// writes it.
func TestDocumentOfReference(t *testing.T) {
	var want bytes.Buffer
	want.WriteString("# Reference\n\nThe JSON of the handler `http.handlers.sse_bridge`, field by field. A Caddyfile has the same names as subdirectives;\n" +
		"[the Caddyfile](caddyfile.md#subdirectives) shows their arguments. Durations are texts such as `2s`, or nanoseconds.\n\n" +
		"At the end are [the app `sse_bridge`](#app-sse_bridge) and the engines of a [cluster](cluster.md).\n")
	for _, m := range modules {
		structs := configStructs(t, m.packages)
		if handler, is := structs["Handler"]; is { // it embeds Config, so that the fields are its own
			config := structs["Config"]
			config.doc = handler.doc
			structs["Config"] = config
		}
		for _, d := range m.structs {
			s, there := structs[d.name]
			if !there {
				t.Fatalf("%v: there is no struct %s", m.packages, d.name)
			}
			s.title = d.title
			structs[d.name] = s
		}
		for _, d := range m.structs {
			writeStruct(t, &want, structs, d.name)
		}
	}
	testsite.Golden(t, filepath.Join("docs", "reference.md"), want.String())
}

// configStruct is a struct of the configuration, with its comment.
type configStruct struct {
	title string // empty: it is not described
	doc   string
	node  *ast.StructType
}

// configStructs returns the structs of packages, read as Caddy's site reads the modules that it documents. The packages
// are named by what follows the root module's path.
func configStructs(t *testing.T, of []string) map[string]configStruct {
	t.Helper()
	paths := make([]string, len(of))
	for i, path := range of {
		paths[i] = "github.com/sse-bridge/caddy-sse-bridge" + path
	}
	loaded, err := packages.Load(&packages.Config{Mode: packages.NeedName | packages.NeedFiles | packages.NeedSyntax, Dir: "test"}, paths...)
	if err != nil || len(loaded) != len(paths) {
		t.Fatalf("loading the packages of the configuration: %d, %v", len(loaded), err)
	}
	found := make(map[string]configStruct)
	for _, p := range loaded {
		for _, file := range p.Syntax {
			for _, decl := range file.Decls {
				types, ok := decl.(*ast.GenDecl)
				if !ok {
					continue
				}
				for _, spec := range types.Specs {
					named, ok := spec.(*ast.TypeSpec)
					if !ok {
						continue
					}
					if node, ok := named.Type.(*ast.StructType); ok {
						found[named.Name.Name] = configStruct{doc: types.Doc.Text(), node: node}
					}
				}
			}
		}
	}
	return found
}

// writeStruct writes a section about a struct and its fields.
func writeStruct(t *testing.T, w *bytes.Buffer, structs map[string]configStruct, name string) {
	t.Helper()
	s := structs[name]
	fmt.Fprintf(w, "\n## %s\n\n%s", s.title, strings.Replace(s.doc, "Handler gives", "It gives", 1))
	for _, field := range s.node.Fields.List {
		if field.Tag == nil {
			continue
		}
		tag, _, _ := strings.Cut(reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("json"), ",")
		if field.Doc.Text() == "" {
			t.Errorf("%s.%s has no comment", name, tag)
		}
		fmt.Fprintf(w, "\n### `%s`\n\n*%s*\n\n%s", tag, typeName(structs, field.Type), field.Doc.Text())
	}
}

// typeName says what a field is, with a link to what is described here.
func typeName(structs map[string]configStruct, expr ast.Expr) string {
	switch e := expr.(type) {
	case *ast.StarExpr:
		return typeName(structs, e.X)
	case *ast.ArrayType:
		return "list of " + strings.ToLower(typeName(structs, e.Elt)[:1]) + typeName(structs, e.Elt)[1:]
	case *ast.MapType:
		return "object of texts by name"
	case *ast.SelectorExpr:
		return map[string]string{
			"Duration":   "duration",
			"RawMessage": "object with `engine`, which is `nats` or `redis`, and the fields of [nats](#engine-nats) or [redis](#engine-redis)",
			"RouteList":  "list of [routes](https://caddyserver.com/docs/json/apps/http/servers/routes/)",
		}[e.Sel.Name]
	case *ast.Ident:
		if e.Name == "Steps" {
			return "[Step](#step), or list of [Step](#step)"
		}
		if s, ok := structs[e.Name]; ok && s.title != "" {
			return fmt.Sprintf("[%s](#%s)", e.Name, strings.ReplaceAll(strings.ToLower(s.title), " ", "-"))
		}
		return map[string]string{"string": "text", "bool": "true or false", "int": "number", "int64": "number"}[e.Name]
	}
	return ""
}
