package operators

var rxGroups = map[string]rxOperator{}
