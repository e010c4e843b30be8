package nocompile

import "testing"

// header is a small system: a log that can append and one that can not, a topic
// of a sealed event type, and the three sources on it.
const header = `
import (
	"context"

	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

type Event interface{ event() }
type EmailSet struct{ Email string }
type SetEmail struct{ Email string }
func (EmailSet) event() {}

var (
	ctx     = context.Background()
	log     = memlog.New()
	users   = stream.NewTopic("users", stream.Catalogue[Event]{"EMAIL_SET": EmailSet{}})
	cold    = replay.Cold(log, users)
	coldHot = replay.ColdHot(log, users)
	hot     = replay.Hot(log, users)
)

var _ = ctx
`

func TestKinds(t *testing.T) {
	Check(t, Suite{Header: header, Cases: []Case{
		{
			Claim:   "a conversion from cold+hot to hot",
			Wrong:   `_ = stream.Source[stream.Hot, Event](coldHot)`,
			Right:   `_ = stream.Source[stream.Hot, Event](hot)`,
			Message: []string{"cannot convert coldHot", "to type stream.Source[stream.Hot, Event]"},
		},
		{
			Claim:   "a conversion from cold to hot",
			Wrong:   `_ = stream.Source[stream.Hot, Event](cold)`,
			Right:   `_ = stream.Source[stream.Cold, Event](cold)`,
			Message: []string{"cannot convert cold", "to type stream.Source[stream.Hot, Event]"},
		},
		{
			Claim:   "an assignment of hot to cold",
			Wrong:   `cold = hot`,
			Right:   `hot = hot`,
			Message: []string{"cannot use hot", "as stream.Source[stream.Cold, Event] value in assignment"},
		},
		{
			Claim:   "a kind of one's own",
			Wrong:   "type mine struct{}\nvar _ stream.Observable[mine, int]",
			Right:   "type mine = stream.Cold\nvar _ stream.Observable[mine, int]",
			Message: []string{"mine does not satisfy stream.Kind"},
		},
		{
			Claim:   "a kind made of another",
			Wrong:   "type mine stream.Hot\nvar _ stream.Observable[mine, int]",
			Right:   "type mine = stream.Hot\nvar _ stream.Observable[mine, int]",
			Message: []string{"mine does not satisfy stream.Kind"},
		},
		{
			Claim:   "an origin forged from outside the source",
			Wrong:   `_ = stream.Observable[stream.Hot, int]{from: nil}`,
			Right:   `_ = stream.Observable[stream.Hot, int]{}`,
			Message: []string{"cannot refer to unexported field from"},
		},
		{
			Claim:   "a bound on a hot source",
			Wrong:   `_ = replay.Hot(log, users, replay.UpTo(stream.At(3)))`,
			Right:   `_ = replay.Cold(log, users, replay.UpTo(stream.At(3)))`,
			Message: []string{"too many arguments in call to replay.Hot"},
		},
		{
			Claim:   "a bound on a cold+hot source",
			Wrong:   `_ = replay.ColdHot(log, users, replay.UpTo(stream.At(3)))`,
			Right:   `_ = replay.History(log, users, "ann", replay.UpTo(stream.At(3)))`,
			Message: []string{"too many arguments in call to replay.ColdHot"},
		},
		{
			Claim:   "an event that is none, in a catalogue",
			Wrong:   `_ = stream.NewTopic("users", stream.Catalogue[Event]{"SET_EMAIL": SetEmail{}})`,
			Right:   `_ = stream.NewTopic("users", stream.Catalogue[Event]{"EMAIL_SET": EmailSet{}})`,
			Message: []string{"SetEmail does not implement Event (missing method event)"},
		},
		{
			Claim:   "an event that is none, to be encoded",
			Wrong:   `_, _ = users.Encode(SetEmail{})`,
			Right:   `_, _ = users.Encode(EmailSet{})`,
			Message: []string{"SetEmail does not implement Event (missing method event)"},
		},
		{
			Claim:   "a catalogue with one name twice",
			Wrong:   `_ = stream.Catalogue[Event]{"A": EmailSet{}, "A": EmailSet{}}`,
			Right:   `_ = stream.Catalogue[Event]{"A": EmailSet{}, "B": EmailSet{}}`,
			Message: []string{`duplicate key "A" in map literal`},
		},
	}})
}
