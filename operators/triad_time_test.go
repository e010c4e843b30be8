package operators

var timeTable = []operator{}
