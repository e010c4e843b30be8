package operators

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/thaw-go/thaw/stream"
)

// ErrNotPromoted says that no version of a view has been promoted yet.
var ErrNotPromoted = errors.New("operators: no version of the view has been promoted")

// ErrSuperseded says that a newer version of the view has been promoted.
var ErrSuperseded = errors.New("operators: a newer version of the view has been promoted")

// ErrActive says that the version of the view is the one that answers.
var ErrActive = errors.New("operators: this version of the view is the one that answers")

const activeKey = "active"

// ActiveVersion is the version of a view that was promoted last; the error is
// [ErrNotPromoted] if none was. It is stored in the table of the view's name alone.
func ActiveVersion(ctx context.Context, tables stream.Tables, name string) (int, error) {
	s, err := tables.Snapshot(ctx)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	return activeVersion(s, name)
}

func activeVersion(s stream.TableSnapshot, name string) (int, error) {
	value, ok, err := s.Get(name, activeKey)
	switch {
	case err != nil:
		return 0, err
	case !ok:
		return 0, fmt.Errorf("%w: %s", ErrNotPromoted, name)
	}
	version, err := strconv.Atoi(string(value))
	if err != nil {
		return 0, fmt.Errorf("operators: read active version of view %s: %w", name, err)
	}
	return version, nil
}

// Promote makes this version the one that answers, once its run has caught up and
// has come as far as the version that answers now: who reads does not go back. It is
// one write: whatever ends the process, one version is active. A version that is
// active already stays so; if a newer one is, the error is [ErrSuperseded]. Otherwise
// it returns as CaughtUp does, or a [*stream.BusyError] while another is promoted.
func (t *KeyedTable[E, S]) Promote(ctx context.Context) error {
	if err := t.CaughtUp(ctx); err != nil {
		return err
	}
	release, err := t.tables.Claim(ctx, t.view.Name)
	if err != nil {
		return err
	}
	defer release()
	for {
		now, behind, err := t.behind(ctx)
		switch {
		case err != nil:
			return err
		case now > t.view.Version:
			return fmt.Errorf("%w: %s, by version %d", ErrSuperseded, t.name, now)
		case now == t.view.Version:
			return nil
		case behind == nil:
			return t.tables.Update(ctx, t.view.Name, stream.Change{Key: activeKey, Value: []byte(strconv.Itoa(t.view.Version))})
		}
		if err := t.WaitFor(ctx, *behind); err != nil {
			return err
		}
	}
}

// behind is the version that answers now, 0 if none does, and where it stands unless
// this one has come as far.
func (t *KeyedTable[E, S]) behind(ctx context.Context) (version int, place *stream.Cursor, err error) {
	come := t.Mark().At // before the snapshot, which has it
	s, err := t.tables.Snapshot(ctx)
	if err != nil {
		return 0, nil, err
	}
	defer s.Close()
	own, ok, err := readMeta(s, t.name)
	if err != nil {
		return 0, nil, err
	}
	if !ok && !come.IsZero() || !own.At.Reached(come) {
		return 0, nil, fmt.Errorf("operators: view %s: promote: its run came to %s, and the table is at %s: it was removed since", t.name, come, own.At)
	}
	version, err = activeVersion(s, t.view.Name)
	if errors.Is(err, ErrNotPromoted) {
		return 0, nil, nil
	}
	if err != nil {
		return 0, nil, err
	}
	other, _, err := readMeta(s, keyedName(t.view.Name, version))
	if err != nil || own.At.Reached(other.At) {
		return version, nil, err
	}
	return version, &other.At, nil
}

// Retire removes the version's table. It refuses the version that answers, with
// [ErrActive], and one that is being run, or any while one is being promoted, with a
// [*stream.BusyError]. It may stop half way with an error, and is then called again.
func (t *KeyedTable[E, S]) Retire(ctx context.Context) error {
	release, err := t.tables.Claim(ctx, t.name)
	if err != nil {
		return err
	}
	defer release()
	promoting, err := t.tables.Claim(ctx, t.view.Name)
	if err != nil {
		return err
	}
	defer promoting()
	switch active, err := ActiveVersion(ctx, t.tables, t.view.Name); {
	case err == nil && active == t.view.Version:
		return fmt.Errorf("%w: %s", ErrActive, t.name)
	case err != nil && !errors.Is(err, ErrNotPromoted):
		return err
	}
	// The place goes first: what is left of a table without one is no view's.
	if err := t.tables.Update(ctx, t.name, stream.Change{Key: metaKey}); err != nil {
		return err
	}
	return t.tables.Drop(ctx, t.name)
}

// Versions are the ways to ask a view, by version: whatever Q answers with, such as
// an interface of the reader's own. The zero value of a version is none.
type Versions[Q any] map[int]Q

// Active is what the version answers with that was promoted last. It asks the tables
// each time. The error is [ErrNotPromoted] if none was, or a [*stream.InvalidError]
// if that version is not among these.
func (v Versions[Q]) Active(ctx context.Context, tables stream.Tables, name string) (q Q, err error) {
	version, err := ActiveVersion(ctx, tables, name)
	if err != nil {
		return q, err
	}
	q, ok := v[version]
	if !ok {
		return q, &stream.InvalidError{What: "active version", Value: keyedName(name, version), Reason: "this program does not have it"}
	}
	return q, nil
}
