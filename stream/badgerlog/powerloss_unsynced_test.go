package badgerlog

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/thaw-go/thaw/internal/journal"
	"github.com/thaw-go/thaw/stream"
)

// loosen gives a disk journal files of which each page is that of some moment since
// the log was opened, and any length since then: nothing but the first header was
// synced.
func loosen(im image, moments []image) {
	newest := moments[len(moments)-1]
	likely := []float64{0, 0.01, 0.1, 0.5, 1}[rand.IntN(5)] // that a page is not the newest one
	for _, name := range journal.Names {
		const page = 4096
		begun := moments[0][name]
		disk := make([]byte, max(len(newest[name]), len(begun)))
		for at := 0; at < len(disk); at += page {
			from := newest[name]
			if rand.Float64() < likely {
				from = moments[rand.IntN(len(moments))][name]
			}
			copy(disk[at:min(at+page, len(disk))], from[min(at, len(from)):])
		}
		if rand.IntN(6) == 0 && len(disk) > len(begun) {
			disk = disk[:len(begun)+rand.IntN(len(disk)-len(begun))]
		}
		im[name] = disk
	}
}

// TestLossOfPowerTakesNoMoreThanTheLastAppendsOfAnUnsyncedLog: the database is as a
// synced log's is left, and of the journal each page got to the disk or not. The log
// opens, with everything that the database had synced and a whole prefix of the rest.
// Breaks when: the journal takes a gap for damage although its segments are
// unsynced; witness.saw writes although the witness is loose.
func TestLossOfPowerTakesNoMoreThanTheLastAppendsOfAnUnsyncedLog(t *testing.T) {
	x, p := &examiner{t: t}, newPowered(t, Unsynced)
	trials, shorter, im := envCount(t, "THAW_POWERLOSS", 30), 0, image{}
	for done := 0; done < trials && !t.Failed(); {
		p.run(im, 3)
		moments := []image{p.opened}
		for _, m := range p.moments {
			n := rand.IntN(len(m.steps) + 1)
			im = tornAt(m.before, m.after, m.steps, n)
			if m.what != "opening" {
				moments = append(moments, m.before, m.after)
				loosen(im, moments)
			}
			tornHead(im, m.heads)
			want := p.told(m)
			// Whoever opens it: it is the segments that say what may be missing.
			r, _ := x.ask(im, []Durability{Synced, Unsynced}[rand.IntN(2)], want)
			if r.Refused != "" || len(r.Found) > 0 || len(r.Wrong) > 0 {
				t.Errorf("after a loss of power during %s: refused %q, found %q, wrong %q; want every event up to %d", m.what, r.Refused, r.Found, r.Wrong, want.Least)
			}
			if r.Head < m.most {
				shorter++
			}
			done++
		}
	}
	if shorter == 0 && trials >= 30 {
		t.Error("no log lost an append: the test proves nothing")
	}
	t.Logf("%d losses of power, %d of them took acknowledged appends", trials, shorter)
}

// A log that was written unsynced, and then closed or killed, is whole when it is
// opened synced; and what is acknowledged from then on is kept as strictly as ever.
// Breaks when: first asks another header than the youngest whether the journal is
// loose, or begin makes a header loose because the one before it was.
func TestALogThatWasUnsyncedIsStrictOnceItIsSynced(t *testing.T) {
	for name, closed := range map[string]bool{"closed": true, "killed": false} {
		t.Run(name, func(t *testing.T) {
			im := appendedTo(t, image{}, Unsynced, 6, closed)
			im = appendedTo(t, im, Synced, 6, false)
			x := &examiner{t: t}
			if r, _ := x.ask(im, Synced, &truth{}); r.Refused != "" {
				t.Fatalf("a log of both kinds is refused: %s", r.Refused)
			}
			found := 0
			for _, file := range journal.Names {
				for at := 2 * 4096; at < used(im[file])-4096; at += 4096 { // the last record may be torn
					damaged := im.with(witnessName, nil).with(file, bytes.Clone(im[file])) // HEAD would tell as well
					damaged[file][at+9] ^= 1
					if r, _ := x.ask(damaged, Synced, &truth{}); r.Refused != "" && r.Typed {
						found++
					}
				}
			}
			if found < 5 {
				t.Errorf("%d damaged records were named of those that were synced, want all 5 that others follow", found)
			}
		})
	}
}

// appendedTo is the disk after n appends to a log that is opened from an image, and
// then closed or killed.
func appendedTo(t *testing.T, from image, d Durability, n int, closed bool) image {
	t.Helper()
	dir := from.write(t)
	log, err := Open(dir, Options{Durability: d, Keys: specimenKeys})
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		if _, err := log.Append(t.Context(), stream.ID{Topic: "t", Key: "k"}, stream.AnyVersion, one(stream.NewID())); err != nil {
			t.Fatal(err)
		}
	}
	im := takeImage(t, dir)
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if closed {
		return takeImage(t, dir)
	}
	return im
}
