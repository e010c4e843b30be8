package operators

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The notation of the RxJS cases is that of RxJS: one character is one frame of
// one millisecond, a group takes as many frames as it has characters.

// rxKind is what happens at a point of a diagram.
type rxKind byte

const (
	rxNext     rxKind = 'N'
	rxError    rxKind = 'E'
	rxComplete rxKind = 'C'
)

// rxPoint is one thing that happens in a frame.
type rxPoint struct {
	frame int
	kind  rxKind
	value any // the item, or the error's value
}

func (p rxPoint) String() string {
	switch p.kind {
	case rxComplete:
		return fmt.Sprintf("%d:|", p.frame)
	case rxError:
		return fmt.Sprintf("%d:#%v", p.frame, p.value)
	}
	return fmt.Sprintf("%d:%s", p.frame, rxText(p.value))
}

// rxText shows a value.
func rxText(v any) string {
	if n, ok := v.(*rxNested); ok {
		return n.String()
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%v", v)
	}
	return string(text)
}

var rxTime = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)(ms|s|m)(\s|$)`)

// rxFrames reads a diagram's time: at is called for every character that is not
// time or space, with its frame and whether it takes one.
func rxFrames(marbles string, at func(c byte, frame int) (takes bool)) (end int, err error) {
	frame, group := 0, -1
	for i := 0; i < len(marbles); i++ {
		c := marbles[i]
		if m := rxTime.FindStringSubmatch(marbles[i:]); m != nil && group < 0 && (i == 0 || marbles[i-1] == ' ') {
			d, err := time.ParseDuration(m[1] + m[2])
			if err != nil {
				return 0, err
			}
			frame += int(d / time.Millisecond)
			i += len(m[1]) + len(m[2]) - 1
			continue
		}
		now := frame
		if group >= 0 {
			now = group
		}
		switch c {
		case ' ':
			continue
		case '-':
		case '(':
			group = frame
		case ')':
			group = -1
		default:
			if !at(c, now) {
				continue
			}
		}
		frame++
	}
	return frame, nil
}

// rxParse reads the diagram of a stream. Frame 0 is where ^ stands.
func rxParse(marbles string, values map[string]any, errorValue any) (points []rxPoint, end int, err error) {
	if errorValue == nil {
		errorValue = "error"
	}
	zero := 0
	end, err = rxFrames(marbles, func(c byte, frame int) bool {
		switch c {
		case '^':
			zero = frame
		case '|':
			points = append(points, rxPoint{frame: frame, kind: rxComplete})
		case '#':
			points = append(points, rxPoint{frame: frame, kind: rxError, value: errorValue})
		default:
			value, ok := values[string(c)]
			if !ok {
				value = string(c)
			}
			points = append(points, rxPoint{frame: frame, kind: rxNext, value: value})
		}
		return true
	})
	for i := range points {
		points[i].frame -= zero
	}
	return points, end - zero, err
}

// rxSpan is a subscription: from a frame to a frame, or to never.
type rxSpan struct{ from, to int }

const never = -1

func (s rxSpan) String() string {
	if s.to == never {
		return strconv.Itoa(s.from) + "-"
	}
	return fmt.Sprintf("%d-%d", s.from, s.to)
}

// rxParseSpan reads a subscription's diagram; ! takes no frame of its own, but
// nothing is written behind it.
func rxParseSpan(marbles string) (s rxSpan, err error) {
	s = rxSpan{from: 0, to: never}
	_, err = rxFrames(marbles, func(c byte, frame int) bool {
		switch c {
		case '^':
			s.from = frame
		case '!':
			s.to = frame
		}
		return true
	})
	return s, err
}

// rxNested is a stream that a stream consists of: what happens in it, counted
// from the frame in which it was emitted.
type rxNested struct {
	key    any
	points []rxPoint
}

func (n *rxNested) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "{%v", n.key)
	for _, p := range n.points {
		b.WriteString(" " + p.String())
	}
	return b.String() + "}"
}
