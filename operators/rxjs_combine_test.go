package operators

var rxCombining = map[string]rxOperator{}
