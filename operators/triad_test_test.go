package operators

var testTable = []operator{}
