package stream

import (
	"slices"
	"strconv"
	"strings"
)

// Cursor is a consumer's place in a log: one position per shard, "everything up
// to here". The zero value is the beginning. Cursors are immutable; compare them
// with Equal or Reached, as they can not be compared with ==.
type Cursor struct {
	first Position
	rest  []Position // shards 1 and up; no zeros at the end
}

// maxShards bounds what a cursor's text may ask for.
const maxShards = 1 << 16

// At is the cursor just after the given positions, one per shard: At(42) is
// enough on a log of one shard.
func At(positions ...Position) Cursor {
	if len(positions) == 0 {
		return Cursor{}
	}
	rest := positions[1:]
	for len(rest) > 0 && rest[len(rest)-1] == 0 {
		rest = rest[:len(rest)-1]
	}
	return Cursor{first: positions[0], rest: slices.Clone(rest)}
}

// Position is the cursor's place in a shard; 0 is before its first event.
func (c Cursor) Position(shard uint32) Position {
	if shard == 0 {
		return c.first
	}
	if int64(shard) > int64(len(c.rest)) {
		return 0
	}
	return c.rest[shard-1]
}

// Reached reports whether c is at or past other in every shard.
func (c Cursor) Reached(other Cursor) bool {
	if c.first < other.first {
		return false
	}
	for i, p := range other.rest {
		if c.Position(uint32(i+1)) < p {
			return false
		}
	}
	return true
}

// Earlier is the place that both cursors have reached, shard by shard.
func (c Cursor) Earlier(other Cursor) Cursor {
	both := []Position{min(c.first, other.first)}
	for i := range min(len(c.rest), len(other.rest)) {
		both = append(both, min(c.rest[i], other.rest[i]))
	}
	return At(both...)
}

// Equal reports whether both are the same place. go-cmp uses it.
func (c Cursor) Equal(other Cursor) bool {
	return c.first == other.first && slices.Equal(c.rest, other.rest)
}

// IsZero reports whether the cursor is at the beginning.
func (c Cursor) IsZero() bool { return c.first == 0 && len(c.rest) == 0 }

// String is the text form: the positions, shard by shard, joined by commas.
func (c Cursor) String() string {
	if len(c.rest) == 0 {
		return strconv.FormatUint(uint64(c.first), 10)
	}
	var b strings.Builder
	b.WriteString(strconv.FormatUint(uint64(c.first), 10))
	for _, p := range c.rest {
		b.WriteByte(',')
		b.WriteString(strconv.FormatUint(uint64(p), 10))
	}
	return b.String()
}

// ParseCursor reads the text form; it returns an [*InvalidError] for anything
// else.
func ParseCursor(text string) (Cursor, error) {
	parts := strings.SplitN(text, ",", maxShards+1)
	if len(parts) > maxShards {
		return Cursor{}, &InvalidError{What: "cursor", Value: text, Reason: "it has too many shards"}
	}
	positions := make([]Position, len(parts))
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 64)
		if err != nil {
			return Cursor{}, &InvalidError{What: "cursor", Value: text, Reason: "expected positions joined by commas"}
		}
		positions[i] = Position(n)
	}
	return At(positions...), nil
}

// MarshalText returns the text form.
func (c Cursor) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what MarshalText wrote, as [ParseCursor] does.
func (c *Cursor) UnmarshalText(text []byte) error {
	parsed, err := ParseCursor(string(text))
	if err == nil {
		*c = parsed
	}
	return err
}
