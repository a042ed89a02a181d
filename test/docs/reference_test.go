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

// TestDocumentOfReference keeps docs/reference.md as the comments of the JSON fields make it; `make docs`
// writes it.
func TestDocumentOfReference(t *testing.T) {
	structs := configStructs(t)
	var want bytes.Buffer
	want.WriteString("# Reference\n\nThe JSON of the handler `http.handlers.sse_bridge`, field by field. A Caddyfile has the same names as subdirectives;\n" +
		"[the Caddyfile](caddyfile.md#subdirectives) shows their arguments. Durations are texts such as `2s`, or nanoseconds.\n")
	handler := structs["Config"] // which Handler embeds, so that the fields are its own
	handler.doc = structs["Handler"].doc
	structs["Config"] = handler
	writeStruct(t, &want, structs, "Config", "sse_bridge")
	for _, name := range []string{"Edit", "Body", "Step", "Interval", "Type", "Cursor", "Condition", "Replay", "Limits"} {
		writeStruct(t, &want, structs, name, name)
	}
	testsite.Golden(t, filepath.Join("docs", "reference.md"), want.String())
}

// configStruct is a struct of the configuration, with its comment.
type configStruct struct {
	doc  string
	node *ast.StructType
}

// configStructs returns the structs of the packages that hold the configuration, read as Caddy's site
// reads the modules that it documents.
func configStructs(t *testing.T) map[string]configStruct {
	t.Helper()
	const module = "github.com/sse-bridge/caddy-sse-bridge"
	loaded, err := packages.Load(&packages.Config{Mode: packages.NeedName | packages.NeedFiles | packages.NeedSyntax, Dir: "test"}, module, module+"/internal/config")
	if err != nil || len(loaded) != 2 {
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
						found[named.Name.Name] = configStruct{types.Doc.Text(), node}
					}
				}
			}
		}
	}
	return found
}

// writeStruct writes a section about a struct and its fields.
func writeStruct(t *testing.T, w *bytes.Buffer, structs map[string]configStruct, name, title string) {
	t.Helper()
	s, ok := structs[name]
	if !ok {
		t.Fatalf("there is no struct %s", name)
	}
	fmt.Fprintf(w, "\n## %s\n\n%s", title, strings.Replace(s.doc, "Handler gives", "It gives", 1))
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
		return map[string]string{"Duration": "duration", "RouteList": "list of [routes](https://caddyserver.com/docs/json/apps/http/servers/routes/)"}[e.Sel.Name]
	case *ast.Ident:
		if e.Name == "Steps" {
			return "[Step](#step), or list of [Step](#step)"
		}
		if _, ok := structs[e.Name]; ok {
			return fmt.Sprintf("[%s](#%s)", e.Name, strings.ToLower(e.Name))
		}
		return map[string]string{"string": "text", "bool": "true or false", "int": "number", "int64": "number"}[e.Name]
	}
	return ""
}
