package operators

var groupTable = []operator{}
