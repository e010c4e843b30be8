// Command thawvet refuses side effects in the functions that Thaw calls again at every
// replay: Decide, Evolve, Reduce, React and their like. It runs by itself and under go
// vet:
//
//	thawvet ./...
//	go vet -vettool=$(command -v thawvet) ./...
package main

import (
	"golang.org/x/tools/go/analysis/singlechecker"

	"github.com/thaw-go/thaw/cmd/thawvet/purity"
)

func main() { singlechecker.Main(purity.Analyzer) }
