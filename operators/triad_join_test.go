package operators

var joinTable = []operator{}
