package operators

var failureTable = []operator{}
