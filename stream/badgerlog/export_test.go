package badgerlog

// Dir is where the log is, for tests that open it again.
func (l *Log) Dir() string { return l.dir.path }

// Fallbacks is how often a read went to the database.
func (l *Log) Fallbacks() int64 { return l.fallbacks.Load() }

// Collect gives disk space back, as the log does by itself now and then.
func (l *Log) Collect() (files int, err error) { return l.collector.collect(true) }

// StopCollecting ends what the log does by itself in its directory.
func (l *Log) StopCollecting() { l.collector.stop() }

// SmallGenerations makes the database get its events a few at a time, so that a
// test need not write thousands before it reads any from there.
func (o Options) SmallGenerations(events int) Options {
	o.seams.generation = events
	return o
}

// SmallJournal makes the journal turn to its other segment after each three
// mebibytes. No commit may be larger.
func (o Options) SmallJournal() Options {
	o.seams.segment = 3 << 20
	return o
}

// SmallFiles makes the database's value log go on in a new file after each
// mebibyte. No transaction may be larger: see valueLogFileSize.
func (o Options) SmallFiles() Options { return o.Files(1 << 20) }

// Files makes them so long.
func (o Options) Files(bytes int64) Options {
	o.seams.valueLog = bytes
	return o
}
