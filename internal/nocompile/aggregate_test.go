package nocompile

import "testing"

const actors = `
type Command interface{ command() }
func (SetEmail) command() {}

var (
	user    = aggregate.New(users, decide, evolve)
	adapter = aggregate.NewAdapter("mailer", mail)
	saga    aggregate.Saga[Event, int]
)

func decide(int, Command) ([]Event, error)                 { return nil, nil }
func evolve(n int, _ Event) int                            { return n }
func mayFail(n int, _ Event) (int, error)                  { return n, nil }
func mail(context.Context, *stream.Event[Event]) error     { return nil }
func all(*stream.Event[Event]) bool                        { return true }

// kafka is a log that can be read, but not appended to at a version.
type kafka struct{ stream.Log }

var behind = stream.Through(coldHot, through)

func through(r stream.Run[*stream.Event[Event]]) stream.Run[*stream.Event[Event]] { return r }
`

func TestAggregate(t *testing.T) {
	Check(t, Suite{Header: importing("aggregate", actors), Cases: []Case{
		{
			Claim:   "a saga on a cold source",
			Wrong:   `_ = saga.Run(ctx, cold)`,
			Right:   `_ = saga.Run(ctx, hot)`,
			Message: []string{"cannot use cold", "as stream.Source[stream.Hot, Event] value in argument to saga.Run"},
		},
		{
			Claim:   "a saga on a cold+hot source",
			Wrong:   `_ = saga.Run(ctx, coldHot)`,
			Right:   `_ = saga.Run(ctx, hot)`,
			Message: []string{"cannot use coldHot", "as stream.Source[stream.Hot, Event] value in argument to saga.Run"},
		},
		{
			Claim:   "a saga on a cold+hot source behind an operator",
			Wrong:   `_ = saga.Run(ctx, behind)`,
			Right:   `_ = saga.Run(ctx, stream.Through(hot, through))`,
			Message: []string{"cannot use behind", "as stream.Source[stream.Hot, Event] value in argument to saga.Run"},
		},
		{
			Claim:   "an adapter on a cold source",
			Wrong:   `_ = adapter.Run(ctx, cold)`,
			Right:   `_ = adapter.Run(ctx, hot)`,
			Message: []string{"cannot use cold", "as stream.Source[stream.Hot, Event] value in argument to adapter.Run"},
		},
		{
			Claim:   "an adapter on a cold+hot source",
			Wrong:   `_ = adapter.Run(ctx, coldHot)`,
			Right:   `_ = adapter.Run(ctx, hot)`,
			Message: []string{"cannot use coldHot", "as stream.Source[stream.Hot, Event] value in argument to adapter.Run"},
		},
		{
			Claim:   "an adapter on a cold+hot source behind an operator",
			Wrong:   `_ = adapter.Run(ctx, stream.Through(coldHot, through))`,
			Right:   `_ = adapter.Run(ctx, stream.Through(hot, through))`,
			Message: []string{"cannot use stream.Through(coldHot, through)", "as stream.Source[stream.Hot, Event] value in argument to adapter.Run"},
		},
		{
			Claim:   "a repository on a log without compare-and-append",
			Wrong:   `_ = aggregate.NewRepository(kafka{}, user)`,
			Right:   `_ = aggregate.NewRepository(log, user)`,
			Message: []string{"kafka does not implement stream.Store (missing method Append)"},
		},
		{
			Claim:   "an event sent as a command",
			Wrong:   `_ = user.Send("1", EmailSet{})`,
			Right:   `_ = user.Send("1", SetEmail{})`,
			Message: []string{"EmailSet does not implement Command (missing method command)"},
		},
		{
			Claim:   "an Evolve that can fail",
			Wrong:   `_ = aggregate.New(users, decide, mayFail)`,
			Right:   `_ = aggregate.New(users, decide, evolve)`,
			Message: []string{"func(n int, _ Event) (int, error)", "does not match"},
		},
	}})
}
