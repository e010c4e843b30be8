package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// day is the system while its log is open.
type day struct {
	mu     sync.Mutex // over out: the mailer speaks on a goroutine of its own
	out    io.Writer
	log    *badgerlog.Log
	users  *aggregate.Repository[Command, Event, State]
	emails *operators.View[*stream.Event[Event], InUse]
	mailer *aggregate.AdapterRunner // nil while it is down
	failed error                    // the first thing that went wrong
}

// do gives a user a command and waits until everyone has seen what came of it.
func (d *day) do(ctx context.Context, key string, c Command) {
	if d.failed != nil {
		return
	}
	result, err := d.users.Execute(ctx, key, c)
	var refused *aggregate.RejectedError
	if errors.As(err, &refused) {
		d.say("%s: %#v refused: %v", key, c, refused.Err)
		return
	}
	if err != nil {
		d.failed = err
		return
	}
	for _, e := range result.Events {
		d.say("%d %s %s %v", e.Position, e.Stream, e.Type, e.Data)
	}
	d.failed = d.settle(ctx)
}

// settle waits until the view and the mailer have handled all there is.
func (d *day) settle(ctx context.Context) error {
	head, err := d.log.Head(ctx)
	if err != nil {
		return err
	}
	if err := d.emails.WaitFor(ctx, head); err != nil {
		return err
	}
	if d.mailer == nil {
		return nil
	}
	return d.mailer.WaitFor(ctx, head)
}

// ask asks the view.
func (d *day) ask(email string) {
	if d.failed == nil {
		d.say("is %s in use? %v", email, IsInUse(d.emails, email))
	}
}

// say tells one line of the story.
func (d *day) say(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Fprintf(d.out, "  "+format+"\n", args...)
}
