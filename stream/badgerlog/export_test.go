package badgerlog

// Dir is where the log is, for tests that open it again.
func (l *Log) Dir() string { return l.dir.path }

// Fallbacks is how often a read went to the database.
func (l *Log) Fallbacks() int64 { return l.fallbacks.Load() }
