// Package stream has the shape of Thaw's.
package stream

import "crypto/rand"

type Topic[E any] struct{}

type Event[E any] struct{ Data E }

type EventID [16]byte

func NewID() (id EventID) {
	_, _ = rand.Read(id[:])
	return id
}

type Upcaster func(data []byte) ([]byte, error)

type Raw struct{ Data []byte }

type Retired struct {
	Into []string
	As   func(Raw) ([]Raw, error)
}

type TopicOptions[E any] struct {
	Upcasters map[string][]Upcaster
	Retired   map[string]Retired
	Tags      func(E) []string
}
