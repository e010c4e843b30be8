package nocompile

import (
	"strings"
	"testing"
)

const specified = `
var t *testing.T

func coldHotOf(log stream.Log) stream.Source[stream.ColdHot, Event] { return replay.ColdHot(log, users) }
func coldOf(log stream.Log) stream.Source[stream.Cold, Event]       { return replay.Cold(log, users) }
func hotOf(log stream.Log) stream.Source[stream.Hot, Event]         { return replay.Hot(log, users) }
func made(stream.Store) aggregate.Adapter[Event]                    { return adapter }
`

func TestTestkit(t *testing.T) {
	const replaying = "\t\"github.com/thaw-go/thaw/replay\"\n"
	header := strings.Replace(importing("aggregate", actors+specified), replaying, replaying+"\t\"github.com/thaw-go/thaw/testkit\"\n\t\"testing\"\n", 1)
	Check(t, Suite{Header: header, Cases: []Case{
		{
			Claim:   "a specification of a saga over a cold+hot source",
			Wrong:   `_ = testkit.ForSaga(t, saga, coldHotOf)`,
			Right:   `_ = testkit.ForSaga(t, saga, hotOf)`,
			Message: []string{"coldHotOf", "stream.Source[stream.Hot, Event]"},
		},
		{
			Claim:   "a specification of a saga over a cold source",
			Wrong:   `_ = testkit.ForSaga(t, saga, coldOf)`,
			Right:   `_ = testkit.ForSaga(t, saga, hotOf)`,
			Message: []string{"coldOf", "stream.Source[stream.Hot, Event]"},
		},
		{
			Claim:   "a specification of an adapter over a cold+hot source",
			Wrong:   `_ = testkit.ForAdapter(t, made, coldHotOf)`,
			Right:   `_ = testkit.ForAdapter(t, made, hotOf)`,
			Message: []string{"coldHotOf", "stream.Source[stream.Hot, Event]"},
		},
		{
			Claim:   "an event as an effect of a saga",
			Wrong:   `testkit.ForSaga(t, saga, hotOf).When().Then(EmailSet{})`,
			Right:   `testkit.ForSaga(t, saga, hotOf).When().Then(user.Send("1", SetEmail{}))`,
			Message: []string{"cannot use EmailSet{}", "as aggregate.Effect value"},
		},
	}})
}
