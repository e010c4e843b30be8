package badgerlog

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/y"
)

// encrypt has specimens and examiners use a key until the test ends.
func encrypt(t *testing.T) {
	specimenKeys = [][]byte{someKey(32, 1)}
	t.Cleanup(func() { specimenKeys = nil })
}

// Every test of damage is run again on logs that are encrypted.
// Breaks when: as each of them says; and databaseLog.entry does not decrypt keys,
// tableIndex or checkTableBlocks do not decrypt.
func TestAnEncryptedLogIsInspectedAsStrictly(t *testing.T) {
	encrypt(t)
	if os.Getenv("THAW_POWERLOSS") == "" {
		t.Setenv("THAW_POWERLOSS", "8")
	}
	for name, test := range map[string]func(*testing.T){
		"not damaged":           TestALogThatWasNotDamagedIsAsItWas,
		"an empty newest file":  TestAnEmptyNewestFileOfTheDatabaseLosesNothing,
		"an empty older file":   TestAnEmptyOlderFileOfTheDatabaseIsRefusedByName,
		"the manifest":          TestADamagedManifestIsRefusedByNameAndTheTablesAreKept,
		"a table":               TestADamagedTableIsRefusedByNameAndKept,
		"a memory table, early": TestAMemoryTableDamagedEarlyIsRefusedByName,
		"a memory table, torn":  TestAMemoryTableCutOrTornIsRecoveredOrRefused,
		"the value log":         TestADamagedOrMissingValueLogIsNamedByPosition,
		"the newest value log":  TestDamageToTheNewestValueLogCostsWhatIsDamagedOnly,
		"being removed":         TestAnEmptyOlderFileOfTheDatabaseThatWasBeingRemovedLosesNothing,
		"collecting":            TestAFileOfTheValueLogThatIsDamagedIsNotCollected,
		"counts of waste":       TestDamagedCountsOfWasteAreCountedAnew,
		"any file":              TestOneDamagedFileIsFoundOrHarmless,
		"any file, anyhow":      TestDamageToAnyFileIsNamedOrHarmless,
		"loss of power":         TestLossOfPowerLosesNothingThatWasSynced,
		"the same, unsynced":    TestLossOfPowerTakesNoMoreThanTheLastAppendsOfAnUnsyncedLog,
	} {
		t.Run(name, test)
	}
}

// The key file is there twice: damage to one of the two is harmless, and mended.
// Breaks when: findSecrets reads the first only, or takes one that is damaged for
// one that the key does not open; settle does not write a file that is damaged.
func TestADamagedKeyFileIsMendedOrRefusedByName(t *testing.T) {
	encrypt(t)
	x, s := &examiner{t: t}, closedLog(t)
	whole := s.files[keyFileName]
	for range envCount(t, "THAW_DAMAGE", 10) {
		for second := range 2 {
			bit := 8*keyFilePage*second + rand.IntN(8*envelopeSize)
			dir := s.files.with(keyFileName, flipped(whole, bit)).write(t)
			mended(t, dir, fmt.Sprintf("bit %d flipped", bit))
			both := flipped(flipped(whole, bit), 8*keyFilePage*(1-second)+rand.IntN(8*envelopeSize))
			r, lost := x.ask(s.files.with(keyFileName, both), Synced, s.truth)
			refused(t, r, lost, keyFileName)
		}
		cut := envelopeSize + rand.IntN(keyFilePage)
		mended(t, s.files.with(keyFileName, whole[:cut:cut]).write(t), fmt.Sprintf("cut to %d bytes", cut))
		cut = rand.IntN(envelopeSize)
		r, lost := x.ask(s.files.with(keyFileName, whole[:cut:cut]), Synced, s.truth)
		refused(t, r, lost, keyFileName)
	}
	r, lost := x.ask(s.files.with(keyFileName, nil), Synced, s.truth)
	refused(t, r, lost, keyFileName)
}

// mended fails unless a log opens and has its key twice again.
func mended(t *testing.T, dir, damage string) {
	t.Helper()
	log, err := Open(dir, Options{Keys: specimenKeys}.SmallFiles())
	if err != nil {
		t.Errorf("%s: %v", damage, err)
		return
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
	im, _ := readImage(t, dir)
	for at := 0; at <= keyFilePage; at += keyFilePage {
		if err := checkEnvelope(keyFileMagic, im[keyFileName][min(at, len(im[keyFileName])):]); err != nil {
			t.Errorf("%s: at byte %d it was not mended: %v", damage, at, err)
		}
	}
}

// Breaks when: registry.read does not compare checksums or the sanity text;
// in.key does not ask whether a key that a file needs is there.
func TestADamagedRegistryOfKeysIsRefusedByName(t *testing.T) {
	encrypt(t)
	const name = badger.KeyRegistryFileName
	x, s := &examiner{t: t}, killedLog(t)
	whole := s.files[name]
	if len(whole) < registryHeadSize+60 {
		t.Fatalf("the registry has %d bytes: no key", len(whole))
	}
	for range envCount(t, "THAW_DAMAGE", 20) {
		at := rand.IntN(len(whole))
		r, lost := x.ask(s.files.with(name, whole[:at:at]), Synced, s.truth)
		refused(t, r, lost, name)
		r, lost = x.ask(s.files.with(name, flipped(whole, at*8+rand.IntN(8))), Synced, s.truth)
		refused(t, r, lost, name)
	}
	r, lost := x.ask(s.files.with(name, nil), Synced, s.truth)
	refused(t, r, lost, name)
	other := killedElsewhere(t)
	r, lost = x.ask(s.files.with(name, other[name]), Synced, s.truth)
	refused(t, r, lost, name)
}

// killedElsewhere is another log with the same master key.
func killedElsewhere(t *testing.T) image {
	t.Helper()
	dir := t.TempDir()
	log, err := Open(dir, Options{Keys: specimenKeys})
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	im, _ := readImage(t, dir)
	return im
}

// The database adds keys to its registry. One that was being added when the power
// went is cut off: the database would add the next one behind it, and find it no
// more.
// Breaks when: mendKeys does nothing.
func TestAKeyThatWasBeingAddedIsCutOff(t *testing.T) {
	encrypt(t)
	const name = badger.KeyRegistryFileName
	s := closedLog(t)
	more := withOneMoreKey(t, s.files)
	used := len(s.files[name])
	for cut := used + 1; cut < len(more); cut += 1 + rand.IntN(5) {
		torn := more[:cut:cut]
		if cut%3 == 0 {
			torn = append(bytes.Clone(torn), make([]byte, rand.IntN(40))...)
		}
		dir := s.files.with(name, torn).write(t)
		for range 2 {
			log, err := Open(dir, Options{Keys: specimenKeys}.SmallFiles())
			if err != nil {
				t.Fatalf("%d bytes of a key of %d: %v", cut-used, len(more)-used, err)
			}
			if err := log.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if im, _ := readImage(t, dir); !bytes.Equal(im[name], s.files[name]) {
			t.Fatalf("%d bytes of a key of %d are still there", cut-used, len(more)-used)
		}
	}
}

// withOneMoreKey is a log's registry once the database has added a key.
func withOneMoreKey(t *testing.T, im image) []byte {
	t.Helper()
	dir := im.write(t)
	found, err := findSecrets(dir, specimenKeys)
	if err != nil {
		t.Fatal(err)
	}
	key, err := found.key(databasePart)
	if err != nil {
		t.Fatal(err)
	}
	r, err := badger.OpenKeyRegistry(badger.KeyRegistryOptions{Dir: dir, EncryptionKey: key}) // a new key each time
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.LatestDataKey()
	if err = y.CombineErrors(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	more, _ := readImage(t, dir)
	return more[badger.KeyRegistryFileName]
}

// A log's header says how it is encrypted, and has no checksum: the database
// would take what comes out for keys, find no transaction that is whole, and go on
// without the log.
// Breaks when: logKey does not ask for the key; check does not ask whether an
// entry is strange.
func TestADamagedHeaderOfAMemoryTableIsRefusedByName(t *testing.T) {
	encrypt(t)
	x, s := &examiner{t: t}, killedLog(t)
	name := s.files.names(".mem")[0]
	for byteAt := range logHeaderSize {
		bit := 8*byteAt + rand.IntN(8)
		r, lost := x.ask(s.files.with(name, flipped(s.files[name], bit)), Synced, s.truth)
		refused(t, r, lost, name)
	}
}

func TestADamagedHeaderOfTheValueLogIsFound(t *testing.T) {
	encrypt(t)
	x, s := &examiner{t: t}, killedLog(t)
	for _, name := range s.files.names(".vlog") {
		if used(s.files[name]) <= logHeaderSize {
			continue // nothing is in it
		}
		for byteAt := rand.IntN(3); byteAt < logHeaderSize; byteAt += 3 {
			r, lost := x.ask(s.files.with(name, flipped(s.files[name], 8*byteAt+rand.IntN(8))), Synced, s.truth)
			if check(t, r, lost, name, fmt.Sprintf("has a flipped bit in byte %d", byteAt)) == "harmless" {
				t.Errorf("byte %d of the header of %s is damaged, and nobody noticed", byteAt, name)
			}
		}
	}
}

// A log whose registry of keys is torn, as it is read by who may change nothing.
// Breaks when: mendKeys does not say that the database needs a view, or copyKeys
// copies what is not whole.
func TestALogWithATornKeyIsReadAndNotChanged(t *testing.T) {
	encrypt(t)
	const name = badger.KeyRegistryFileName
	for which, s := range map[string]*specimen{"closed": closedLog(t), "killed": killedLog(t)} {
		more, used := withOneMoreKey(t, s.files), len(s.files[name])
		for cut := used + 1; cut < len(more); cut += 1 + rand.IntN(20) {
			dir := s.files.with(name, more[:cut:cut]).write(t)
			log, err := Open(dir, Options{ReadOnly: true, Keys: specimenKeys}.SmallFiles())
			if err != nil {
				t.Fatalf("%s, %d bytes of a key of %d: %v", which, cut-used, len(more)-used, err)
			}
			if err := log.Verify(t.Context(), nil); err != nil || len(everything(t, log)) != len(s.truth.Events) {
				t.Errorf("%s: got %d events and %v, want %d", which, len(everything(t, log)), err, len(s.truth.Events))
			}
			if err := log.Close(); err != nil {
				t.Error(err)
			}
			if im, _ := readImage(t, dir); !bytes.Equal(im[name], more[:cut]) {
				t.Errorf("%s: the registry has changed", which)
			}
		}
	}
}
