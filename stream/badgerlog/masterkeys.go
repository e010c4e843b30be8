package badgerlog

import (
	"fmt"
	"io"
)

// Keys are the master keys of logs and backups, the newest first. They are never
// printed, whichever way [Options] are.
type Keys [][]byte

// Format says how many keys there are, whatever verb it is asked with.
func (k Keys) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.text()) } // a state keeps what it is given

// MarshalText says the same to what writes JSON, or logs.
func (k Keys) MarshalText() ([]byte, error) { return []byte(k.text()), nil }

func (k Keys) text() string { return fmt.Sprintf("[%d keys]", len(k)) }
