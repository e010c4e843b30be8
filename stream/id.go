package stream

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// Limits on the names that a log stores with every event, in bytes.
const (
	MaxTopicBytes = 200
	MaxKeyBytes   = 1000
	MaxTypeBytes  = 200
)

// ID names a stream: the ordered events of one instance of a topic.
type ID struct {
	Topic string // which combined stream: "users"
	Key   string // which instance: "42"
}

// String is the text form, "users/42".
func (id ID) String() string { return id.Topic + "/" + id.Key }

// Validate returns an [*InvalidError] or [*TooLargeError] unless both parts are
// non-empty UTF-8 without control characters, within their limits, and the
// topic has no slash.
func (id ID) Validate() error {
	if err := checkTopic(id.Topic); err != nil {
		return err
	}
	return checkName("key", id.Key, MaxKeyBytes)
}

// ParseID reads the text form: the topic ends at the first slash, and the key
// may hold more of them. It returns what [ID.Validate] returns.
func ParseID(text string) (ID, error) {
	topic, key, ok := strings.Cut(text, "/")
	if !ok {
		return ID{}, &InvalidError{What: "stream ID", Value: text, Reason: "expected topic/key"}
	}
	id := ID{Topic: topic, Key: key}
	if err := id.Validate(); err != nil {
		return ID{}, err
	}
	return id, nil
}

// MarshalText returns the text form, or what [ID.Validate] returns.
func (id ID) MarshalText() ([]byte, error) {
	if err := id.Validate(); err != nil {
		return nil, err
	}
	return []byte(id.String()), nil
}

// UnmarshalText reads what MarshalText wrote, as [ParseID] does.
func (id *ID) UnmarshalText(text []byte) error {
	parsed, err := ParseID(string(text))
	if err == nil {
		*id = parsed
	}
	return err
}

func checkTopic(name string) error {
	if strings.Contains(name, "/") {
		return &InvalidError{What: "topic", Value: name, Reason: "a topic has no slash"}
	}
	return checkName("topic", name, MaxTopicBytes)
}

func checkName(what, name string, limit int) error {
	if name == "" {
		return &InvalidError{What: what, Value: name, Reason: "it is empty"}
	}
	if len(name) > limit {
		return &TooLargeError{What: what, Size: int64(len(name)), Limit: int64(limit)}
	}
	if !utf8.ValidString(name) {
		return &InvalidError{What: what, Value: name, Reason: "it is not UTF-8"}
	}
	for _, r := range name {
		if r < 0x20 || r == 0x7f {
			return &InvalidError{What: what, Value: name, Reason: "it has a control character"}
		}
	}
	return nil
}

// EventID identifies an event or a command. The zero value means "none".
type EventID [16]byte

// NewID returns a fresh random ID. Safe for concurrent use.
func NewID() EventID {
	var id EventID
	_, _ = rand.Read(id[:]) // never fails: crypto/rand aborts the process instead
	return id
}

// DeriveID returns the ID that follows from parent, a name and an index: the
// same arguments always give the same ID, so a step that is taken again after a
// crash carries the ID it carried before.
func DeriveID(parent EventID, name string, i int) EventID {
	buf := make([]byte, 0, 64)
	buf = append(buf, parent[:]...)
	buf = binary.BigEndian.AppendUint64(buf, uint64(i))
	buf = append(buf, name...)
	sum := sha256.Sum256(buf)
	return EventID(sum[:16])
}

// IsZero reports whether the ID is none.
func (id EventID) IsZero() bool { return id == EventID{} }

// String is the ID as 32 hexadecimal digits.
func (id EventID) String() string { return hex.EncodeToString(id[:]) }

// ParseEventID reads 32 hexadecimal digits; it returns an [*InvalidError] for
// anything else.
func ParseEventID(text string) (EventID, error) {
	var id EventID
	if len(text) != 2*len(id) {
		return EventID{}, &InvalidError{What: "event ID", Value: text, Reason: "expected 32 hexadecimal digits"}
	}
	if _, err := hex.Decode(id[:], []byte(text)); err != nil {
		return EventID{}, &InvalidError{What: "event ID", Value: text, Reason: "expected 32 hexadecimal digits"}
	}
	return id, nil
}

// MarshalText returns the ID as [EventID.String] does.
func (id EventID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote, as [ParseEventID] does.
func (id *EventID) UnmarshalText(text []byte) error {
	parsed, err := ParseEventID(string(text))
	if err == nil {
		*id = parsed
	}
	return err
}
