package ssebridge

import (
	"bytes"
	"fmt"
	"go/ast"
	goparser "go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestReferenceIsThatOfTheFields keeps docs/reference.md as the comments of the JSON fields make it;
// -args -update writes it.
func TestReferenceIsThatOfTheFields(t *testing.T) {
	structs := configStructs(t)
	var want bytes.Buffer
	want.WriteString("# Reference\n\nThe JSON of the handler `http.handlers.sse_bridge`, field by field. A Caddyfile has the same names as subdirectives;\n" +
		"[the Caddyfile](caddyfile.md#subdirectives) shows their arguments. Durations are texts such as `2s`, or nanoseconds.\n")
	handler := structs["Config"]
	handler.doc = structs["Handler"].doc
	structs["Config"] = handler
	writeStruct(t, &want, structs, "Config", "sse_bridge")
	for _, name := range []string{"Edit", "Body", "Step", "Interval", "Type", "Cursor", "Condition", "Replay", "Limits"} {
		writeStruct(t, &want, structs, name, name)
	}
	file := filepath.Join("docs", "reference.md")
	got, err := os.ReadFile(file)
	switch {
	case err == nil && bytes.Equal(got, want.Bytes()):
	case !*update:
		t.Errorf("%s is not what the comments of the fields say (%v): run `go test -run Reference . -args -update`", file, err)
	default:
		if err := os.WriteFile(file, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// configStruct is a struct of the configuration, with its comment.
type configStruct struct {
	doc  string
	node *ast.StructType
}

// configStructs returns the structs of the files that hold the configuration.
func configStructs(t *testing.T) map[string]configStruct {
	t.Helper()
	found := make(map[string]configStruct)
	for _, file := range []string{"module.go", "config_json.go", "config.go", "config_step.go", "config_conditions.go"} {
		parsed, err := goparser.ParseFile(token.NewFileSet(), file, nil, goparser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			types, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range types.Specs {
				if named, ok := spec.(*ast.TypeSpec); ok {
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
		if _, ok := structs[e.Name]; ok {
			return fmt.Sprintf("[%s](#%s)", e.Name, strings.ToLower(e.Name))
		}
		return map[string]string{"string": "text", "bool": "true or false", "int": "number", "int64": "number"}[e.Name]
	}
	return ""
}
