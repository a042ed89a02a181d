package house

import (
	"fmt"
	"go/ast"
	"go/types"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

// calls are those from one file of a package to another: to what, by the names of both files.
type calls map[string]map[string][]called

// called is a function, and the type whose method it is; empty if it is none's.
type called struct{ of, name string }

// callsOf returns the calls between the files of a package.
func callsOf(p *packages.Package) calls {
	all := make(calls)
	for _, syntax := range p.Syntax {
		from := fileOf(p, syntax)
		ast.Inspect(syntax, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok {
				return true
			}
			f, ok := p.TypesInfo.Uses[id].(*types.Func)
			if !ok || f.Pkg() != p.Types {
				return true
			}
			f = f.Origin()
			if r := f.Signature().Recv(); r != nil && types.IsInterface(r.Type()) {
				return true // who answers stands elsewhere
			}
			to := filepath.Base(p.Fset.Position(f.Pos()).Filename)
			if to == from {
				return true
			}
			if all[from] == nil {
				all[from] = make(map[string][]called)
			}
			all[from][to] = append(all[from][to], called{receiver(f), f.Name()})
			return true
		})
	}
	return all
}

func fileOf(p *packages.Package, n ast.Node) string {
	return filepath.Base(p.Fset.Position(n.Pos()).Filename)
}

// receiver returns the name of the type whose method f is; empty if it is none's.
func receiver(f *types.Func) string {
	r := f.Signature().Recv()
	if r == nil {
		return ""
	}
	of := r.Type()
	if pointer, ok := of.(*types.Pointer); ok {
		of = pointer.Elem()
	}
	if named, ok := of.(*types.Named); ok {
		return named.Obj().Name()
	}
	return ""
}

// circles returns the sets of files that call each other.
func (c calls) circles() (found [][]string) {
	reach := make(map[string]map[string]bool)
	var walk func(from, at string)
	walk = func(from, at string) {
		for to := range c[at] {
			if !reach[from][to] {
				reach[from][to] = true
				walk(from, to)
			}
		}
	}
	for file := range c {
		reach[file] = make(map[string]bool)
		walk(file, file)
	}
	done := make(map[string]bool)
	for _, file := range slices.Sorted(maps.Keys(c)) {
		if done[file] || !reach[file][file] {
			continue
		}
		var circle []string
		for other := range reach[file] {
			if reach[other][file] {
				circle = append(circle, other)
				done[other] = true
			}
		}
		slices.Sort(circle)
		found = append(found, circle)
	}
	return found
}

// Files of one type may call each other: they are one thing in parts. A circle over several types is one
// thing that looks like several.
func TestFilesCallEachOtherInNoCircle(t *testing.T) {
	for _, p := range load(t, packages.NeedFiles|packages.NeedTypes|packages.NeedSyntax|packages.NeedTypesInfo) {
		name, _ := short(p.PkgPath)
		between := callsOf(p)
		for _, circle := range between.circles() {
			types := make(map[string]bool)
			var list strings.Builder
			for _, from := range circle {
				for to, all := range between[from] {
					if !slices.Contains(circle, to) {
						continue
					}
					for _, c := range all {
						if c.of != "" {
							types[c.of] = true
						}
						fmt.Fprintf(&list, "\n  %s calls %s.%s of %s", from, c.of, c.name, to)
					}
				}
			}
			if len(types) > 1 {
				t.Errorf("internal/%s: %s call each other in a circle over %s:%s", name, strings.Join(circle, ", "),
					strings.Join(slices.Sorted(maps.Keys(types)), ", "), list.String())
			}
		}
	}
}

// mostElsewhere is how many methods may be declared in another file than their type, where they are not
// that file's one reason.
const mostElsewhere = 10

// A file that has only methods of one type of another file is about one concern of that type. A method is
// elsewhere if its file holds methods of other types too.
func TestMethodsStandWithTheirTypes(t *testing.T) {
	var elsewhere []string
	for _, p := range load(t, packages.NeedFiles|packages.NeedTypes|packages.NeedSyntax|packages.NeedTypesInfo) {
		name, _ := short(p.PkgPath)
		for _, syntax := range p.Syntax {
			file := fileOf(p, syntax)
			methods := make(map[string][]string) // by their type
			for _, declared := range syntax.Decls {
				f, ok := declared.(*ast.FuncDecl)
				if !ok || f.Recv == nil {
					continue
				}
				of := receiver(p.TypesInfo.Defs[f.Name].(*types.Func))
				methods[of] = append(methods[of], fmt.Sprintf("internal/%s/%s: %s.%s", name, file, of, f.Name.Name))
			}
			if len(methods) < 2 {
				continue
			}
			for of, all := range methods {
				if o := p.Types.Scope().Lookup(of); o != nil && filepath.Base(p.Fset.Position(o.Pos()).Filename) != file {
					elsewhere = append(elsewhere, all...)
				}
			}
		}
	}
	if len(elsewhere) > mostElsewhere {
		slices.Sort(elsewhere)
		t.Errorf("%d methods are in another file than their type:\n%s", len(elsewhere), strings.Join(elsewhere, "\n"))
	}
}
