package operators

var windowTable = []operator{}
