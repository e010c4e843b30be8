package marble

import (
	"fmt"
	"time"
)

// lane draws one lane: its line first, then what happened on it.
func (p *picture) lane(i int, l Lane) {
	y := p.top + i*laneHigh + laneHigh/2
	p.draw(`<g><text x="%d" y="%d">%s</text>`, margin, y+4, safe(l.Name))
	p.line(l, y)
	for points := range l.instants() {
		p.instant(points, y)
	}
	p.draw("</g>")
}

// line draws the lane as a line where it lives, and as dots where it does not:
// after it has ended and until something is subscribed again.
func (p *picture) line(l Lane, y int) {
	from, end := p.edge(l.start()), p.edge(l.end(p.grid.tick))
	class := "line"
	if l.waits() {
		class = "gone"
	}
	stretch := func(to int) {
		if from < to {
			p.draw(`<path class="%s" d="M%d %dH%d"/>`, class, from, y, to)
		}
		from = to
	}
	for points := range l.instants() {
		for n, pt := range points {
			x := p.place(pt.At, n)
			switch pt.Kind {
			case Subscribe:
				stretch(x)
				class = "line"
			case Complete, Failed, Crash, Unsubscribe:
				stretch(x)
				class = "gone"
			}
		}
	}
	if class == "gone" {
		if from+narrow < end {
			stretch(end)
		}
	} else {
		stretch(end)
		p.draw(`<path class="line" d="M%d %dl6 5l-6 5"/>`, end-2, y-5)
	}
	p.breaks(l, y)
}

// waits reports whether a lane begins with nobody there: the first thing that
// happens on it is that somebody subscribes.
func (l Lane) waits() bool {
	return len(l.Points) > 0 && l.Points[0].Kind == Subscribe && l.Points[0].At > 0
}

// edge is where the column of a time begins; the end of all if it is behind.
func (p *picture) edge(at time.Duration) int {
	for i, c := range p.grid.columns {
		if c.from >= at {
			return p.x[i]
		}
	}
	return p.x[len(p.x)-1]
}

// breaks marks where the lane jumps.
func (p *picture) breaks(l Lane, y int) {
	for i, c := range p.grid.columns {
		if c.jump && c.from >= l.start() && c.to <= l.end(p.grid.tick) {
			p.draw(`<rect class="bg" style="stroke:none" x="%d" y="%d" width="8" height="8"/>`, p.middle(i)-4, y-4)
			p.draw(`<path class="line" d="M%d %dl4 -12M%d %dl4 -12"/>`, p.middle(i)-6, y+6, p.middle(i)+2, y+6)
		}
	}
}

// place is the middle of the nth thing of an instant: the first stands on the line
// of its time, and the others behind it.
func (p *picture) place(at time.Duration, n int) int {
	return p.mark(p.grid.find(at)) + min(n, mostMarbles)*spacing
}

func (p *picture) instant(points []Point, y int) {
	for i := 0; i < min(len(points), mostMarbles); {
		n := together(points[i:])
		if n > 1 {
			from := p.place(points[i].At, i) - radius - 3
			to := p.place(points[i].At, i+n-1) + radius + 3
			p.draw(`<rect class="atomic" x="%d" y="%d" width="%d" height="%d" rx="10"/>`, from, y-radius-5, to-from, 2*radius+10)
		}
		i += n
	}
	for i, pt := range points {
		x := p.place(pt.At, i)
		if i == mostMarbles {
			p.draw(`<text class="small" x="%d" y="%d">+%d</text>`, x, y+4, len(points)-i)
			break
		}
		p.draw("<g><title>%s</title>", safe(p.tooltip(pt)))
		p.point(pt, x, y)
		p.draw("</g>")
	}
}

// tooltip is what is shown of a point when one points to it.
func (p *picture) tooltip(pt Point) string {
	text := pt.Kind.String()
	if pt.Kind == Event {
		text = pt.sign()
		if pt.Again {
			text += ", delivered again"
		}
	}
	if pt.Note != "" {
		text += " (" + pt.Note + ")"
	}
	text += " at " + after(pt.At)
	if meaning := p.names[pt.Name]; pt.Kind == Event && meaning != "" {
		return text + ": " + meaning
	}
	if pt.Value != nil && pt.Kind != Event {
		return text + ": " + show(pt.Value)
	}
	return text
}

// point draws one thing that happened.
func (p *picture) point(pt Point, x, y int) {
	stroke := func(class, format string, args ...any) {
		p.draw(`<path class="%s" d="%s"/>`, class, fmt.Sprintf(format, args...))
	}
	switch pt.Kind {
	case Event:
		class := "marble"
		if pt.Again {
			class += " again"
		}
		p.draw(`<circle class="%s" cx="%d" cy="%d" r="%d"/>`, class, x, y, radius)
		p.draw(`<text class="letter" x="%d" y="%d">%s</text>`, x, y+5, safe(pt.sign()))
	case Subscribe:
		stroke("start", "M%d %dl7 12h-14z", x, y)
	case CaughtUp:
		stroke("caught", "M%d %dV%d", x, y-18, y+18)
	case Complete:
		stroke("sign", "M%d %dV%d", x, y-12, y+12)
	case Failed:
		stroke("bad", "M%d %dl16 16m0 -16l-16 16", x-8, y-8)
	case Unsubscribe:
		p.draw(`<circle class="cut" cx="%d" cy="%d" r="5"/>`, x, y)
	case Checkpoint:
		stroke("stored", "M%d %dl8 9l-8 9l-8 -9z", x, y-9)
	case Crash:
		stroke("bad", "M%d %dl-6 13h9l-6 13", x+3, y-13)
	}
}
