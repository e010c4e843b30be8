package aggregate

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/thaw-go/thaw/stream"
)

// What a saga has to remember at a mark may be more than its log takes in one
// checkpoint: a thousand timers fall due at one time, or it is far behind. Then the
// changes are laid beside first, in as many checkpoints as it takes; one more moves the
// place and says that they count; and then they are put where they belong. Whatever a
// crash leaves of that, settle finishes or takes back.
const (
	stagedPrefix = "w/"
	stagedKey    = "staged" // is there while what is staged counts
)

// saveAll is save for any number of changes.
func (p *place) saveAll(ctx context.Context, changes []stream.Change) error {
	err := p.save(ctx, changes...)
	if !isTooLarge(err) || len(changes) == 1 {
		return err
	}
	staged := make([]stream.Change, len(changes))
	for i, c := range changes {
		value := strconv.AppendQuote(nil, c.Key)
		if c.Value != nil {
			value = append(append(value, '\n'), c.Value...)
		}
		staged[i] = stream.Change{Key: fmt.Sprintf("%s%010d", stagedPrefix, i), Value: value}
	}
	p.unsettled = true
	err = p.write(ctx, staged)
	if err == nil {
		err = p.log.Checkpoint(ctx, p.name, p.at, stream.Change{Key: stagedKey, Value: []byte{}})
	}
	if err == nil {
		err = p.settle(ctx)
	}
	if err != nil {
		return fmt.Errorf("remember place %s in stages: %w", p.at, err)
	}
	return nil
}

// settle puts what is staged and counts where it belongs, and takes the rest back.
func (p *place) settle(ctx context.Context) error {
	_, counts, err := p.log.State(ctx, p.name, stagedKey)
	if err != nil {
		return err
	}
	var changes []stream.Change
	err = p.log.States(ctx, p.name, stagedPrefix, func(key string, value []byte) error {
		if counts {
			c, err := decodeStaged(key, value)
			if err != nil {
				return err
			}
			changes = append(changes, c)
		}
		changes = append(changes, stream.Change{Key: key})
		return nil
	})
	if err != nil {
		return err
	}
	if p.saved, _, err = p.log.Cursor(ctx, p.name); err != nil { // nobody may know whether it was moved
		return err
	}
	if counts {
		changes = append(changes, stream.Change{Key: stagedKey}) // last: until then all of it counts
	}
	if len(changes) > 0 {
		err = p.write(ctx, changes)
	}
	p.unsettled = err != nil
	return err
}

func decodeStaged(key string, value []byte) (c stream.Change, err error) {
	quoted, err := strconv.QuotedPrefix(string(value))
	if err == nil {
		c.Key, err = strconv.Unquote(quoted)
	}
	if err != nil {
		return c, fmt.Errorf("read what was staged under %q: %w", key, err)
	}
	if rest := value[len(quoted):]; len(rest) > 0 {
		c.Value = rest[1:]
	}
	return c, nil
}

// write stores changes at the saved place, in order, in as many checkpoints as it takes.
func (p *place) write(ctx context.Context, changes []stream.Change) error {
	err := p.log.Checkpoint(ctx, p.name, p.saved, changes...)
	if !isTooLarge(err) || len(changes) == 1 {
		return err
	}
	half := len(changes) / 2
	if err := p.write(ctx, changes[:half]); err != nil {
		return err
	}
	return p.write(ctx, changes[half:])
}

func isTooLarge(err error) bool {
	_, ok := errors.AsType[*stream.TooLargeError](err)
	return ok
}
