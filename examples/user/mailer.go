package main

import (
	"context"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
)

// NewMailer greets every e-mail that is set after it first came online. It is an
// event adapter: one event in, one side effect out. Events before its birth are
// history and are never mailed; events while it is down are mailed when it is
// back. e.ID is the same after a redelivery, so a mail server can tell.
func NewMailer(log stream.Log, send func(ctx context.Context, to string, id stream.EventID) error) *aggregate.AdapterRunner {
	mailer := aggregate.NewAdapter("mailer", func(ctx context.Context, e *stream.Event[EmailSet]) error {
		return send(ctx, e.Data.Email, e.ID)
	})
	return mailer.Runner(replay.Hot(log, stream.Only[EmailSet](Users)))
}
