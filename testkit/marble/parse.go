package marble

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// SyntaxError is returned for a lane that can not be read.
type SyntaxError struct {
	Text    string // the whole lane
	Column  int    // of the character to look at, from 1
	Problem string // what is wrong with it
}

// Error shows the lane with a caret under the column.
func (e *SyntaxError) Error() string {
	// One character of the lane is one column, whatever it is.
	line := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			return ' '
		}
		return r
	}, e.Text)
	from := max(0, e.Column-1-wide/2)
	runes := []rune(line)
	shown := string(runes[min(from, len(runes)):min(from+wide, len(runes))])
	return fmt.Sprintf("marble: column %d: %s\n  %s\n  %s^", e.Column, e.Problem, shown, strings.Repeat(" ", max(0, e.Column-1-from)))
}

// What bounds a lane: its text in bytes, and the time that it spans.
const (
	longestText = 1 << 20
	longestTime = 100 * 365 * 24 * time.Hour
)

// ended is what must not be followed by a further point, until something is
// subscribed again.
const ended = "nothing may follow it but time, a % or a ^"

// Parse reads a lane; tick is how long one token takes, a millisecond if it is
// 0. It returns a [*SyntaxError] that points at what can not be read.
func Parse(text string, tick time.Duration) (Lane, error) {
	if len(text) > longestText {
		return Lane{}, &SyntaxError{Text: text[:wide], Column: 1, Problem: fmt.Sprintf("a lane is at most %d bytes long, this one has %d", longestText, len(text))}
	}
	p := &parser{text: text, rest: []rune(text), tick: or(tick)}
	if tick < 0 || tick > longestTime {
		return Lane{}, p.wrong(0, "a tick of %v: it takes some time, and at most %v", tick, longestTime)
	}
	for p.skip(); p.at < len(p.rest); p.skip() {
		if err := p.token(); err != nil {
			return Lane{}, err
		}
	}
	for i := range p.points {
		p.points[i].At -= p.zero
	}
	return Lane{Points: p.points, End: p.clock - p.zero}, nil
}

// or is the tick that is meant.
func or(tick time.Duration) time.Duration {
	if tick <= 0 {
		return time.Millisecond
	}
	return min(tick, longestTime)
}

type parser struct {
	text string
	rest []rune
	at   int // the next character

	tick    time.Duration
	clock   time.Duration // since the first token
	zero    time.Duration // what the clock said at the first ^
	points  []Point
	appends int

	first      bool // a ^ has been read
	subscribed bool // and nothing that ends it
	closed     bool // something that ends it has been read
	over       rune // the | or # after which nothing comes; 0: none
}

func (p *parser) wrong(at int, format string, args ...any) error {
	return &SyntaxError{Text: p.text, Column: at + 1, Problem: fmt.Sprintf(format, args...)}
}

func (p *parser) skip() {
	for p.at < len(p.rest) && (p.rest[p.at] == ' ' || p.rest[p.at] == '\t') {
		p.at++
	}
}

// next is the next character, 0 at the end.
func (p *parser) next() rune {
	if p.at < len(p.rest) {
		return p.rest[p.at]
	}
	return 0
}

// token reads one token and lets its time pass.
func (p *parser) token() error {
	start := p.at
	switch r := p.next(); {
	case r == '-':
		p.at++
	case digit(r):
		return p.jump()
	case r == '(':
		if err := p.instant(); err != nil {
			return err
		}
	default:
		if err := p.point(); err != nil {
			return err
		}
	}
	return p.pass(start, p.tick)
}

func (p *parser) pass(start int, d time.Duration) error {
	if d > longestTime-p.clock {
		return p.wrong(start, "a lane spans at most %v", longestTime)
	}
	p.clock += d
	return nil
}

func digit(r rune) bool { return '0' <= r && r <= '9' }

// units of time, those that begin like another before it.
var units = []struct {
	name string
	time time.Duration
}{
	{"ns", time.Nanosecond},
	{"us", time.Microsecond},
	{"ms", time.Millisecond},
	{"s", time.Second},
	{"m", time.Minute},
	{"h", time.Hour},
	{"d", 24 * time.Hour},
}

// jump reads a time, or the tick of the lane if it is the first token and a
// colon follows.
func (p *parser) jump() error {
	start := p.at
	n := time.Duration(0)
	for ; digit(p.next()); p.at++ {
		if n > longestTime/10 {
			return p.wrong(start, "a lane spans at most %v", longestTime)
		}
		n = n*10 + time.Duration(p.next()-'0')
	}
	unit, ok := p.unit()
	switch {
	case !ok:
		return p.wrong(p.at, "a number is a time and needs its unit right behind it: ns, us, ms, s, m, h or d")
	case n == 0:
		return p.wrong(start, "no time passes")
	case n > longestTime/unit:
		return p.wrong(start, "a lane spans at most %v", longestTime)
	case unicode.IsLetter(p.next()):
		return p.wrong(p.at, "a space is needed between a time and an event")
	case p.next() == ':' && strings.TrimLeft(string(p.rest[:start]), " \t") == "":
		p.tick = n * unit
		p.at++
		return nil
	}
	return p.pass(start, n*unit)
}

func (p *parser) unit() (time.Duration, bool) {
	for _, u := range units {
		if strings.HasPrefix(string(p.rest[p.at:min(p.at+2, len(p.rest))]), u.name) {
			p.at += len(u.name)
			return u.time, true
		}
	}
	return 0, false
}

// instant reads what stands in parentheses.
func (p *parser) instant() error {
	open := p.at
	p.at++
	for empty := true; ; empty = false {
		p.skip()
		switch r := p.next(); {
		case p.at == len(p.rest):
			return p.wrong(open, "this ( is never closed")
		case r == ')' && empty:
			return p.wrong(open, "there is nothing in ()")
		case r == ')':
			p.at++
			return nil
		case r == '(':
			return p.wrong(p.at, "a ( in a (")
		case r == '-' || digit(r):
			return p.wrong(p.at, "no time passes within ( )")
		}
		if err := p.point(); err != nil {
			return err
		}
	}
}

// point reads an event, several that are appended together, or a sign.
func (p *parser) point() error {
	r := p.next()
	kind := kindOf(r)
	switch {
	case kind != 0:
		return p.sign(r, kind)
	case p.over != 0 && (r == '[' || unicode.IsLetter(r)):
		return p.wrong(p.at, "after %q: %s", p.over, ended)
	case r == '[':
		return p.append()
	case unicode.IsLetter(r):
		p.event(0)
		return nil
	case r == '\'':
		return p.wrong(p.at, "a ' stands right behind a letter: c' is c delivered again")
	case r == ')' || r == ']':
		return p.wrong(p.at, "a %c without its beginning", r)
	case r == unicode.ReplacementChar:
		return p.wrong(p.at, "this is no character")
	}
	return p.wrong(p.at, "%q means nothing in a lane", r)
}

func (p *parser) sign(r rune, kind Kind) error {
	switch {
	case p.over != 0 && kind != Crash && kind != Subscribe:
		return p.wrong(p.at, "after %q: %s", p.over, ended)
	case kind == Subscribe && p.subscribed:
		return p.wrong(p.at, "subscribed already: before another ^ comes a !, %%, | or #")
	case kind == Subscribe && !p.first && p.closed:
		// It would be zero, and all before it history, which nobody means.
		return p.wrong(p.at, "subscribed again, but never before: begin the lane with a ^")
	}
	switch kind {
	case Subscribe:
		if !p.first {
			p.first, p.zero = true, p.clock
		}
		p.subscribed, p.over = true, 0
	case Complete, Failed:
		p.subscribed, p.closed, p.over = false, true, r
	case Crash:
		p.subscribed, p.closed, p.over = false, true, 0
	case Unsubscribe:
		p.subscribed, p.closed = false, true
	}
	p.at++
	p.points = append(p.points, Point{At: p.clock, Kind: kind})
	return nil
}

// event reads a letter and its '.
func (p *parser) event(number int) {
	e := Point{At: p.clock, Kind: Event, Name: string(p.next()), Append: number}
	p.at++
	if p.next() == '\'' {
		e.Again = true
		p.at++
	}
	p.points = append(p.points, e)
}

// append reads what stands in brackets. One event alone is appended alone.
func (p *parser) append() error {
	open, first := p.at, len(p.points)
	p.appends++
	p.at++
	for {
		p.skip()
		switch r := p.next(); {
		case p.at == len(p.rest):
			return p.wrong(open, "this [ is never closed")
		case r == ']' && len(p.points) == first:
			return p.wrong(open, "there is nothing in []")
		case r == ']':
			p.at++
			if len(p.points) == first+1 {
				p.points[first].Append = 0
				p.appends--
			}
			return nil
		case !unicode.IsLetter(r):
			return p.wrong(p.at, "only events stand in [ ], not %q", r)
		}
		p.event(p.appends)
	}
}
