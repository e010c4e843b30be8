package lint

import (
	"fmt"
	"go/ast"
	"go/doc"
	"go/token"
	"path"
	"slices"
	"strings"
)

// checkDocs leaves programs alone: they export nothing.
func checkDocs(p *pkg) (broken []string) {
	if p.main() {
		return nil
	}
	for _, f := range p.files {
		l := docLint{file: f}
		for _, decl := range f.ast.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				l.function(d)
			case *ast.GenDecl:
				l.group(d)
			}
		}
		broken = append(broken, l.broken...)
	}
	return broken
}

// docLint collects what one file leaves unsaid.
type docLint struct {
	file   *file
	broken []string
}

func (l *docLint) complain(at token.Pos, format string, args ...any) {
	l.broken = append(l.broken, fmt.Sprintf("%s: %s", l.file.at(at), fmt.Sprintf(format, args...)))
}

func (l *docLint) function(d *ast.FuncDecl) {
	name := d.Name.Name
	if !ast.IsExported(name) || d.Recv != nil && !ast.IsExported(receiver(d)) {
		return
	}
	if d.Recv != nil && slices.Contains(undocumented, name) {
		return
	}
	l.sentence(d.Pos(), name, d.Doc, name)
}

// receiver is the name of the type that a method belongs to.
func receiver(d *ast.FuncDecl) string {
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

func (l *docLint) group(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			l.typ(d, s)
		case *ast.ValueSpec:
			l.values(d, s)
		}
	}
}

func (l *docLint) typ(d *ast.GenDecl, s *ast.TypeSpec) {
	if !s.Name.IsExported() {
		return
	}
	text := s.Doc
	if text == nil {
		text = d.Doc
	}
	l.sentence(s.Pos(), s.Name.Name, text, s.Name.Name, "A "+s.Name.Name, "An "+s.Name.Name, "The "+s.Name.Name)
	switch t := s.Type.(type) {
	case *ast.StructType:
		l.fields(s.Name.Name, t.Fields)
	case *ast.InterfaceType:
		l.fields(s.Name.Name, t.Methods)
	}
}

// fields are a struct's fields or an interface's methods; those that are
// embedded speak for themselves.
func (l *docLint) fields(of string, list *ast.FieldList) {
	for _, f := range list.List {
		for _, name := range f.Names {
			if name.IsExported() && f.Doc.Text() == "" && f.Comment.Text() == "" {
				l.complain(name.Pos(), "%s.%s has no comment", of, name.Name)
			}
		}
	}
}

// values are constants or variables: a comment on their group says enough.
func (l *docLint) values(d *ast.GenDecl, s *ast.ValueSpec) {
	for _, name := range s.Names {
		if !name.IsExported() {
			continue
		}
		switch {
		case s.Doc.Text() != "":
			l.sentence(name.Pos(), name.Name, s.Doc)
		case d.Doc.Text() != "":
			l.sentence(name.Pos(), name.Name, d.Doc)
		case s.Comment.Text() == "":
			l.complain(name.Pos(), "%s has no comment", name.Name)
		}
	}
}

// sentence wants a comment that begins with one of the names, if any are given,
// and ends with a full stop or with a figure.
func (l *docLint) sentence(at token.Pos, name string, comment *ast.CommentGroup, begin ...string) {
	text := strings.TrimRight(comment.Text(), "\n")
	if text == "" {
		l.complain(at, "%s has no comment", name)
		return
	}
	named := slices.ContainsFunc(begin, func(b string) bool { return strings.HasPrefix(text, b+" ") || strings.HasPrefix(text, b+",") })
	if len(begin) > 0 && !named {
		l.complain(at, "the comment on %s does not begin with its name", name)
	}
	last := text[strings.LastIndexByte(text, '\n')+1:]
	figure := strings.HasPrefix(last, "\t") || strings.HasPrefix(last, "  ")
	if !figure && !strings.HasSuffix(last, ".") {
		l.complain(at, "the comment on %s does not end with a full stop", name)
	}
}

func checkPackageDoc(p *pkg) []string {
	for _, f := range p.files {
		text := f.ast.Doc.Text()
		if text == "" || p.library() && path.Base(f.path) != "doc.go" {
			continue
		}
		want := "Package " + f.ast.Name.Name
		if !p.main() && !strings.HasPrefix(text, want+" ") {
			return []string{fmt.Sprintf("%s: expected the package comment to begin with %q", f.path, want)}
		}
		return nil
	}
	if p.library() {
		return []string{p.path + ": no doc.go with a package comment"}
	}
	return []string{p.path + ": no package comment"}
}

func checkExample(p *pkg) []string {
	if !p.library() {
		return nil
	}
	for _, f := range p.tests {
		for _, e := range doc.Examples(f.ast) {
			if e.Output != "" || e.EmptyOutput {
				return nil
			}
		}
	}
	return []string{p.path + ": no Example whose output is checked"}
}
