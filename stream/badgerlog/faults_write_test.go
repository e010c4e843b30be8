package badgerlog

import "testing"

// every are the names of all calls into storage that a test makes fail.
var every = []string{
	"db.open", "db.get", "db.iterate", "db.value", "db.set", "db.commit", "db.sync", "db.close",
	"journal.open", "journal.replay", "journal.begin", "journal.append", "journal.sync", "journal.close",
	"witness.open", "witness.write", "witness.close",
	"dir.open", "dir.remove", "dir.sync", "lock.close",
}

// Guarantee 3, at every call into storage: the caller is told what happened,
// nobody sees what was not acknowledged, and the log says whether it still
// accepts writes. What was acknowledged is there when it is opened again, what
// was refused is not, and what is ambiguous is there whole or not at all.
func TestWhateverCallIntoStorageFailsNothingAcknowledgedIsLostNorAnythingRefusedSeen(t *testing.T) {
	for _, c := range []struct {
		claim      string
		durability Durability
		forever    bool
	}{
		{"a call fails once", Synced, false},
		{"a call fails from then on", Synced, true},
		{"a call fails once, unsynced", Unsynced, false},
	} {
		t.Run(c.claim, func(t *testing.T) {
			var injected tally
			well := breaking(call{}, false)
			liveWith(t, well, c.durability)
			together(t, well.spread(faultsWanted(t, 40)), func(t *testing.T, at call) {
				d := breaking(at, c.forever)
				liveWith(t, d, c.durability)
				injected.add(d.failures())
				if t.Failed() {
					t.Logf("the calls that failed: %v", d.failures())
				}
			})
			injected.log(t, every...)
		})
	}
}

func liveWith(t *testing.T, d *disk, durability Durability) {
	t.Helper()
	l := &life{t: t, dir: t.TempDir(), disk: d, book: newBook(), o: d.options(durability)}
	l.run()
	l.end()
}
