// Command user is the smallest whole system: a user with an e-mail and a name,
// a view over all users, and a mailer, on a log on disk. It tells its story as it
// runs, across a restart.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := story(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "user:", err)
		os.Exit(1)
	}
}

// story tells it in a directory of its own, which it removes.
func story(ctx context.Context, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "thaw-user-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	fmt.Fprintln(out, "Before the mailer exists:")
	err = during(ctx, dir, out, func(day *day) error {
		day.do(ctx, "ann", SetName{"Ann"})
		day.do(ctx, "ann", SetEmail{"ann@old.example"})
		return day.failed
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "The mailer comes online:")
	err = withMailer(ctx, dir, out, func(day *day) error {
		day.ask("ann@old.example")
		day.do(ctx, "ann", SetEmail{"ann@new.example"})
		day.do(ctx, "bob", SetEmail{"bob@new.example"})
		day.do(ctx, "ann", SetEmail{"ann@old.example"})
		day.do(ctx, "bob", SetEmail{"ann@old.example"})
		day.ask("ann@old.example")
		return day.failed
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "While the mailer is down:")
	err = during(ctx, dir, out, func(day *day) error {
		day.do(ctx, "bob", SetEmail{"bob@newer.example"})
		return day.failed
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "The mailer is back:")
	return withMailer(ctx, dir, out, func(day *day) error {
		day.do(ctx, "bob", SetName{"Bob"})
		return day.failed
	})
}

// during opens the log, lets something happen, and closes it.
func during(ctx context.Context, dir string, out io.Writer, happen func(*day) error) (err error) {
	log, err := badgerlog.Open(dir, badgerlog.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d := &day{out: out, log: log, users: NewUsers(log), emails: NewEmails()}
	viewed := make(chan error, 1)
	go func() { viewed <- d.emails.Run(ctx, replay.ColdHot(log, Users)) }() // ends with ctx
	err = happen(d)
	cancel()
	return errors.Join(err, unlessCanceled(<-viewed))
}

// withMailer is during, with the mailer online from before to after.
func withMailer(ctx context.Context, dir string, out io.Writer, happen func(*day) error) error {
	return during(ctx, dir, out, func(d *day) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		mailer := NewMailer(d.log, func(_ context.Context, to string, _ stream.EventID) error {
			d.say("mail to %s", to)
			return nil
		})
		mailed := make(chan error, 1)
		go func() { mailed <- mailer.Run(ctx) }() // ends with ctx
		d.mailer = mailer
		err := mailer.Online(ctx)
		if err == nil {
			err = d.settle(ctx)
		}
		if err == nil {
			err = happen(d)
		}
		cancel()
		return errors.Join(err, unlessCanceled(<-mailed))
	})
}

func unlessCanceled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
