// Command auction is an auction house on a log on disk: persons, lots and bids
// after Nexmark's model, made from a seed. It ends by itself with a summary once
// every lot is closed and every invoice settled. Stopped or killed, it goes on
// from where it was when it is started again: the page is rebuilt from history,
// and nothing is sold, invoiced or paid twice.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"

	"golang.org/x/term"

	"github.com/thaw-go/thaw/stream/badgerlog"
	"github.com/thaw-go/thaw/stream/badgertables"
	"github.com/thaw-go/thaw/stream/keyring"
)

// settings are the command's flags.
type settings struct {
	events, rate int
	seed         uint64
	dir          string
}

func parse(args []string, out io.Writer) (s settings, err error) {
	flags := flag.NewFlagSet("auction", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // main says what is wrong
	flags.IntVar(&s.events, "events", 20_000, "how many `wishes` the world has: to register, to open a lot, to bid")
	flags.IntVar(&s.rate, "rate", 2_000, "how many wishes a second; 0: as fast as it goes")
	flags.Uint64Var(&s.seed, "seed", 1, "what the world is made from; the same seed comes to the same end")
	flags.StringVar(&s.dir, "dir", "auction-data", "the house's directory")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(out, "An auction house on a log on disk. It exits with 0 when the auction is over or\nwas stopped with ctrl-C, and with 1 when something failed.")
			flags.SetOutput(out)
			flags.PrintDefaults()
		}
		return s, err
	}
	if s.events < 0 || s.rate < 0 || flags.NArg() > 0 {
		return s, fmt.Errorf("expected no negative number and nothing but flags, found -events %d -rate %d %q", s.events, s.rate, flags.Args())
	}
	return s, nil
}

func main() {
	s, err := parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		err = auction(ctx, s, os.Stdout, term.IsTerminal(int(os.Stdout.Fd())))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "auction:", err)
		os.Exit(1)
	}
}

// auction opens the premises in a directory and lets the world in.
func auction(ctx context.Context, s settings, out io.Writer, terminal bool) (err error) {
	log, err := badgerlog.Open(filepath.Join(s.dir, "log"), badgerlog.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	tables, err := badgertables.Open(filepath.Join(s.dir, "views"), badgertables.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tables.Close()) }()
	keys, err := keyring.Open(filepath.Join(s.dir, "keys"), keyring.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, keys.Close()) }()
	return hold(ctx, premises{log, tables, keys}, s, &screen{out: out, terminal: terminal})
}

// hold holds the auction and writes the summary. A stop that was asked for is no
// error.
func hold(ctx context.Context, on premises, s settings, screen *screen) error {
	h, err := newHouse(on, s.seed)
	if err != nil {
		return err
	}
	d := &driver{house: h, world: newWorld(s.seed), events: s.events, rate: s.rate}
	best := ""
	err = h.open(ctx, func(ctx context.Context) error {
		watching, stop := context.WithCancel(ctx)
		var watch sync.WaitGroup
		watch.Go(func() { screen.show(watching, d) })
		defer watch.Wait()
		defer stop()
		if err := d.run(ctx); err != nil {
			return err
		}
		head, err := h.log.Head(ctx)
		if err == nil {
			best, err = h.customers.best(ctx, head)
		}
		return err
	})
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		fmt.Fprintf(screen.out, "stopped after %d of %d wishes; the same command goes on from here\n", d.heard.Load(), s.events)
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Fprint(screen.out, summary(s, Count(h.page), best))
	return nil
}

// summary depends on the seed and the number of wishes alone.
func summary(s settings, c Counters, best string) string {
	text := fmt.Sprintf("the auction of seed %d with %d wishes is over\n", s.seed, s.events)
	for _, line := range c.Lines() {
		text += line + "\n"
	}
	return text + "best customer: " + best + "\n"
}
