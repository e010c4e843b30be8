package operators

var rxShares = map[string]rxOperator{}
