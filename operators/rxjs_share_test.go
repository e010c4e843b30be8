package operators

var rxShares = map[string]rxOperator{
	"share": func(b *rxBench) rxStream { return coldly(Share(b.source(), 16, Fail)) },
}
