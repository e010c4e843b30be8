package operators

var boundaryTable = []operator{}
