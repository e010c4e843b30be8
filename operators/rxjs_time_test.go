package operators

var rxTimes = map[string]rxOperator{}
