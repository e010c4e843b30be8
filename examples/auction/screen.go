package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// screen shows the page while the house is open: in place on a terminal, a line
// a second otherwise.
type screen struct {
	out      io.Writer
	terminal bool
	drawn    int // lines on a terminal that the next picture replaces
}

// show runs until the context is done.
func (s *screen) show(ctx context.Context, d *driver) {
	every := time.Second
	if s.terminal {
		every = 200 * time.Millisecond
		fmt.Fprint(s.out, "\x1b[?25l")       // hide the cursor
		defer fmt.Fprint(s.out, "\x1b[?25h") // and show it again
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.draw(d)
		case <-ctx.Done():
			s.erase()
			return
		}
	}
}

func (s *screen) draw(d *driver) {
	mark := d.house.page.Mark()
	c := Count(d.house.page)
	switch {
	case !mark.Live && s.terminal:
		s.picture([]string{fmt.Sprintf("reading history: %s of %s", mark.At, mark.Head)})
	case !mark.Live:
		fmt.Fprintf(s.out, "reading history: %s of %s\n", mark.At, mark.Head)
	case s.terminal:
		s.picture(append(c.Lines(), fmt.Sprintf("heard %d of %d wishes, %d refused; log at %s", d.heard.Load(), d.events, d.refused.Load(), mark.Head)))
	default:
		fmt.Fprintf(s.out, "%s  heard %d of %d  bids %d  open %d  completed %d  sold %d  paid %d  turnover %s\n",
			c.At.Format(time.TimeOnly), d.heard.Load(), d.events, c.Bids, c.Open, c.Completed, c.Sold, c.Paid, c.Turnover)
	}
}

// picture replaces the last one.
func (s *screen) picture(lines []string) {
	var b strings.Builder
	if s.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", s.drawn) // to its first line
	}
	for _, line := range lines {
		b.WriteString("\x1b[2K" + line + "\n")
	}
	b.WriteString("\x1b[J") // and whatever was below
	s.drawn = len(lines)
	fmt.Fprint(s.out, b.String())
}

func (s *screen) erase() {
	if s.drawn > 0 {
		fmt.Fprintf(s.out, "\x1b[%dA\x1b[J", s.drawn)
		s.drawn = 0
	}
}
