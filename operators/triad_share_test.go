package operators

var shareTable = []operator{}
