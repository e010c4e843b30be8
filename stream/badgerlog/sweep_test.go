package badgerlog

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/thaw-go/thaw/stream"
)

// cutLog is a log whose blocks are partly compressed and whose first history was
// removed; it was closed some times, and then killed.
func cutLog(t *testing.T) *specimen {
	t.Helper()
	which := fmt.Sprint("cut", specimenKeys)
	if s, ok := specimens[which]; ok {
		return s
	}
	w := &author{t: t, dir: t.TempDir(), truth: &truth{Saved: map[string][]saved{}, Kept: map[string]int{}}}
	for round := range 5 {
		o := Options{Compress: round%2 == 1, Keys: specimenKeys}.SmallGenerations(100).SmallFiles()
		log, err := Open(w.dir, o)
		if err != nil {
			t.Fatal(err)
		}
		w.log = log
		w.work(150)
		w.plain(30)
		if round == 3 {
			cut, err := log.Truncate(t.Context(), stream.At(stream.Position(len(w.truth.Events)/2)))
			if err != nil {
				t.Fatal(err)
			}
			w.truth.Cut = int(cut.Position(0))
		}
		if round < 4 {
			w.close()
		}
	}
	specimens[which] = &specimen{takeImage(t, w.dir), w.truth}
	w.close()
	return specimens[which]
}

// plain appends events that can be compressed, some without a command.
func (w *author) plain(appends int) {
	w.t.Helper()
	for i := range appends {
		id, command := stream.ID{Topic: "plain", Key: fmt.Sprint("p", i%7)}, stream.NewID()
		if i%3 == 0 {
			command = stream.EventID{}
		}
		r := stream.Record{Header: stream.Header{
			Type: "T", Schema: 1, Command: command, CausedBy: stream.NewID(), Correlation: command,
			Meta: stream.Metadata{"who": strings.Repeat("x", i)},
		}, Data: bytes.Repeat([]byte("the same again "), 1+i)}
		got, err := w.log.Append(w.t.Context(), id, stream.AnyVersion, r)
		if err != nil {
			w.t.Fatal(err)
		}
		w.truth.Appends = append(w.truth.Appends, appended{id, command, int(got[0].Position), 1})
		w.truth.Events = append(w.truth.Events, sumOf(&got[0]))
		w.truth.Least = len(w.truth.Events)
	}
}

// damages are what is done to a file of an image; each returns what was done, or
// nothing if it can not be done to this one.
var damages = map[string]func(image, string) (image, string){
	"flipped": func(im image, name string) (image, string) {
		data := im[name]
		length := len(data)
		if rand.IntN(8) > 0 {
			length = used(data) // where something is written
		}
		if length == 0 {
			return nil, ""
		}
		bit := rand.IntN(8 * length)
		return im.with(name, flipped(data, bit)), fmt.Sprintf("bit %d of byte %d flipped", bit%8, bit/8)
	},
	"cut": func(im image, name string) (image, string) {
		if len(im[name]) == 0 {
			return nil, ""
		}
		at := rand.IntN(max(used(im[name]), 1))
		if rand.IntN(4) == 0 {
			at = rand.IntN(len(im[name]))
		}
		return im.with(name, im[name][:at:at]), fmt.Sprintf("cut to %d of %d bytes", at, len(im[name]))
	},
	"zeroed": func(im image, name string) (image, string) {
		data := bytes.Clone(im[name])
		if used(data) == 0 {
			return nil, ""
		}
		from, to := 0, len(data)
		if rand.IntN(2) == 0 { // a sector
			from = rand.IntN(used(data)) / 512 * 512
			to = min(from+512, len(data))
		}
		clear(data[from:to])
		return im.with(name, data), fmt.Sprintf("zeros from byte %d to %d", from, to)
	},
	"removed": func(im image, name string) (image, string) { return im.with(name, nil), "removed" },
	"swapped": func(im image, name string) (image, string) {
		var others []string
		for other := range im {
			if other != name && family(other) == family(name) {
				others = append(others, other)
			}
		}
		if len(others) == 0 {
			return nil, ""
		}
		other := others[rand.IntN(len(others))]
		return im.with(name, im[other]).with(other, im[name]), "swapped with " + other
	},
	"grown": func(im image, name string) (image, string) {
		more := make([]byte, 1+rand.IntN(5000))
		for i := range more {
			more[i] = byte(rand.Uint32())
		}
		return im.with(name, append(bytes.Clone(im[name]), more...)), fmt.Sprintf("%d bytes behind its end", len(more))
	},
}

// family is a file's name without its number.
func family(name string) string {
	if ext := filepath.Ext(name); ext != "" {
		return "*" + ext
	}
	if strings.HasPrefix(name, "journal-") {
		return "journal-*"
	}
	return name
}

// TestDamageToAnyFileIsNamedOrHarmless damages files of three logs in every way,
// each family of files equally often. Each time the log is refused, or what is
// asked of it fails, by an error that names a file or a position; or everything
// that was acknowledged is as it was: events, versions, commands, places, states.
// The process never ends. THAW_SWEEP is how many trials there are.
// Breaks when: inspect leaves out any of its checks, openBlock or unseal does not
// compare the checksum, or run does not ask the witness.
func TestDamageToAnyFileIsNamedOrHarmless(t *testing.T) {
	x := &examiner{t: t}
	logs := []*specimen{closedLog(t), killedLog(t), cutLog(t)}
	kinds := slices.Sorted(maps.Keys(damages))
	outcomes := map[string]map[string]int{}
	for trial := range envCount(t, "THAW_SWEEP", 90) {
		s := logs[trial%len(logs)]
		families := map[string][]string{}
		for _, name := range s.files.names("") {
			families[family(name)] = append(families[family(name)], name)
		}
		of := slices.Sorted(maps.Keys(families))
		names := families[of[trial/len(logs)%len(of)]]
		name, kind := names[rand.IntN(len(names))], kinds[rand.IntN(len(kinds))]
		im, what := damages[kind](s.files, name)
		if im == nil {
			continue
		}
		r, lost := x.ask(im, Synced, s.truth)
		if kind == "swapped" {
			lost = nil // both are where they were put
		}
		outcome := check(t, r, lost, name, what)
		key := family(name) + " " + kind
		if outcomes[key] == nil {
			outcomes[key] = map[string]int{}
		}
		outcomes[key][outcome]++
	}
	for _, key := range slices.Sorted(maps.Keys(outcomes)) {
		t.Logf("%-20s %v", key, outcomes[key])
	}
}
