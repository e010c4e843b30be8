package memlog

// Commands is how many commands the log keeps.
func (l *Log) Commands() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.commands)
}
