package stream

import (
	"context"
	"errors"
)

// ErrForgotten says that a subject's key was destroyed: what was sealed under it can
// not be read any more, and nothing more is sealed for that subject.
var ErrForgotten = errors.New("stream: the subject was forgotten")

// Keys keeps one key for each person, or other subject, that sealed payload fields
// speak of. It is a store of its own, apart from the log and its backups: destroying
// a key makes what it sealed unreadable wherever it has got to. All methods may be
// called concurrently.
type Keys interface {
	// Key returns the subject's key of 32 bytes; if it has none, it gets one, which is
	// durable before Key returns. It returns [ErrForgotten] for a subject that was.
	Key(ctx context.Context, subject string) ([]byte, error)

	// Find returns the subject's key of 32 bytes if it has one. It returns
	// [ErrForgotten] for a subject that was forgotten or never had a key.
	Find(ctx context.Context, subject string) ([]byte, error)

	// Forget destroys the subject's key for good. It returns once that is durable; a
	// subject that has none is forgotten as well.
	Forget(ctx context.Context, subject string) error
}
