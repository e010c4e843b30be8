package operators

var rxFailures = map[string]rxOperator{}
