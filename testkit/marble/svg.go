package marble

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Measures of the picture, in pixels.
const (
	radius    = 13 // of a marble
	spacing   = 33 // between marbles of one instant
	narrow    = 34 // a tick in which at most one thing happens
	jumpWidth = 58
	laneHigh  = 50
	margin    = 20
	titleHigh = 30
	axisHigh  = 34
	nameChar  = 8 // about one character of a lane's name
	textChar  = 7 // about one character of the legend
	lineHigh  = 22

	mostMarbles = 24  // are drawn of one instant
	legendText  = 100 // characters
)

// style is readable on white and on black.
const style = `
.bg{fill:#ffffff;stroke:#d8dee4}
.history{fill:#f3f0e8}
.line{stroke:#57606a;stroke-width:1.5;fill:none}
.gone{stroke:#afb8c1;stroke-width:1.5;stroke-dasharray:1 5;stroke-linecap:round;fill:none}
.jump{stroke:#57606a;stroke-width:1.5;stroke-dasharray:5 4;fill:none}
.grid{stroke:#d8dee4;stroke-width:1}
.marble{fill:#ffa94d;stroke:#d9760c;stroke-width:1.5}
.again{stroke-dasharray:4 3;fill:#ffe3c2}
.atomic{fill:#fff4e6;stroke:#d9760c;stroke-width:1.2}
.sign{stroke:#1f2328;stroke-width:2.5;stroke-linecap:round;stroke-linejoin:round;fill:none}
.cut{fill:#ffffff;stroke:#1f2328;stroke-width:2.5}
.caught{stroke:#1a7f37;stroke-width:2;stroke-dasharray:4 3;fill:none}
.bad{stroke:#cf222e;stroke-width:2.5;stroke-linecap:round;stroke-linejoin:round;fill:none}
.stored{fill:#8250df;stroke:#6639ba}
.start{fill:#1f2328}
text{font-family:system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif;font-size:13px;fill:#1f2328}
.title{font-size:16px;font-weight:600}
.letter{fill:#3d2000;font-weight:600;text-anchor:middle}
.small{font-size:11px;fill:#59636e;text-anchor:middle}
.code{font-family:ui-monospace,SFMono-Regular,Menlo,"DejaVu Sans Mono",monospace;font-size:12px}
@media (prefers-color-scheme:dark){
.bg{fill:#0d1117;stroke:#30363d}
.history{fill:#1b1f27}
.line,.jump{stroke:#9198a1}
.gone{stroke:#484f58}
.grid{stroke:#21262d}
.atomic{fill:#2b1d0c}
.sign{stroke:#f0f6fc}
.cut{fill:#0d1117;stroke:#f0f6fc}
.caught{stroke:#3fb950}
.bad{stroke:#f85149}
.start{fill:#f0f6fc}
text{fill:#f0f6fc}
.letter{fill:#3d2000}
.small{fill:#9198a1}
}`

// SVG is the trace as a picture of its own, for light and dark pages: events
// are orange marbles, those appended together in a box, those delivered again
// pale and dashed. What points to a marble is shown what it stands for. The same
// trace makes the same picture.
func (t Trace) SVG() []byte {
	g := newGrid(t.Tick, t.Lanes...)
	p := &picture{grid: g, names: map[string]string{}}
	list := t.legend()
	for _, n := range list {
		p.names[n.Letter] = n.Text
	}
	p.measure(t, list)
	p.begin(t)
	p.axis()
	for i, l := range t.Lanes {
		p.lane(i, l.ordered())
	}
	p.legend(list)
	p.b.WriteString("</svg>\n")
	return []byte(p.b.String())
}

// picture is a trace that is being drawn.
type picture struct {
	b     strings.Builder
	grid  *grid
	names map[string]string

	left          int   // where time begins
	x             []int // where the columns begin, and where the last one ends
	top           int   // of the first lane
	width, height int
	history       bool // something happens before zero
}

func (p *picture) draw(format string, args ...any) { fmt.Fprintf(&p.b, format+"\n", args...) }

// safe is text that may stand in XML.
func safe(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(oneLine(s))) // a Builder never fails
	return b.String()
}

// measure finds out where everything is.
func (p *picture) measure(t Trace, list []Name) {
	name, text := 0, 0
	for _, l := range t.Lanes {
		name = max(name, utf8.RuneCountInString(l.Name))
	}
	for _, n := range list {
		text = max(text, min(legendText, utf8.RuneCountInString(n.Text)))
	}
	things := map[time.Duration]int{}
	for _, l := range t.Lanes {
		for points := range l.ordered().instants() {
			at := points[0].At
			things[at] = max(things[at], min(len(points), mostMarbles+1))
		}
	}
	p.left = margin + name*nameChar + 16
	x := p.left
	for _, c := range p.grid.columns {
		p.x = append(p.x, x)
		p.history = p.history || c.from < 0
		switch n := things[c.from]; {
		case c.jump:
			x += max(jumpWidth, len(jump(c.to-c.from))*textChar+36)
		default:
			x += max(narrow, n*spacing+8)
		}
	}
	p.x = append(p.x, x)
	p.top = margin
	if t.Title != "" {
		p.top += titleHigh
	}
	p.width = max(x+margin+14, margin*2+40+text*textChar, margin*2+utf8.RuneCountInString(t.Title)*9)
	p.height = p.top + len(t.Lanes)*laneHigh + axisHigh + margin/2
	if len(list) > 0 {
		p.height += len(list)*lineHigh + margin/2
	}
}

func (p *picture) begin(t Trace) {
	p.draw(`<svg xmlns="http://www.w3.org/2000/svg" role="img" width="%d" height="%d" viewBox="0 0 %d %d">`, p.width, p.height, p.width, p.height)
	title := t.Title
	if title == "" {
		title = "marble diagram"
	}
	p.draw("<title>%s</title>", safe(title))
	var lanes []string
	for _, l := range t.Lanes {
		lanes = append(lanes, l.Name+": "+l.Text(t.Tick))
	}
	p.draw("<desc>%s</desc>", safe(strings.Join(lanes, "; ")))
	p.draw("<style>%s\n</style>", style)
	p.draw(`<rect class="bg" x="0.5" y="0.5" width="%d" height="%d" rx="8"/>`, p.width-1, p.height-1)
	if t.Title != "" {
		p.draw(`<text class="title" x="%d" y="%d">%s</text>`, margin, margin+12, safe(t.Title))
	}
}

// axis draws what lies behind the lanes: history, and the times at which
// something happens.
func (p *picture) axis() {
	bottom := p.top + len(p.grid.names)*laneHigh
	if p.history {
		zero := p.x[p.grid.find(0)]
		p.draw(`<rect class="history" x="%d" y="%d" width="%d" height="%d" rx="4"/>`, p.left-4, p.top, zero-p.left+4, bottom-p.top)
		p.draw(`<text class="small" x="%d" y="%d">history</text>`, (p.left+zero)/2, bottom+28)
	}
	labels := p.labels()
	for i, c := range p.grid.columns {
		x := p.mark(i)
		switch {
		case c.jump:
			p.draw(`<text class="small" x="%d" y="%d">… %s …</text>`, p.middle(i), bottom+14, safe(jump(c.to-c.from)))
		case labels[i] != "":
			p.draw(`<path class="grid" d="M%d %dV%d"/>`, x, p.top+4, bottom)
			p.draw(`<text class="small" x="%d" y="%d">%s</text>`, x, bottom+14, labels[i])
		}
	}
}

// labels are the times that are written below the columns, as many as have room.
func (p *picture) labels() []string {
	labels := make([]string, len(p.grid.columns))
	type stretch struct{ from, to int }
	var taken []stretch
	put := func(i int) {
		text := after(p.grid.columns[i].from)
		if text == "+0s" {
			text = "0"
		}
		half := len(text)*7/2 + 4
		s := stretch{p.mark(i) - half, p.mark(i) + half}
		if i+1 < len(p.x)-1 && p.grid.columns[i+1].jump {
			s.to = min(s.to, p.x[i+1])
		}
		if !slices.ContainsFunc(taken, func(o stretch) bool { return s.from < o.to && o.from < s.to }) {
			labels[i] = text
			taken = append(taken, s)
		}
	}
	for i, c := range p.grid.columns {
		if c.jump {
			taken = append(taken, stretch{p.x[i], p.x[i+1]})
		}
	}
	if zero := p.grid.find(0); zero < len(labels) && p.grid.columns[zero].from == 0 {
		put(zero)
	}
	for i, c := range p.grid.columns {
		if !c.jump && labels[i] == "" && p.busy(i) {
			put(i)
		}
	}
	return labels
}

// busy reports whether something happens in a column.
func (p *picture) busy(i int) bool {
	return slices.ContainsFunc(p.grid.cells, func(cells []string) bool { return cells[i] != "" && cells[i] != "-" })
}

func (p *picture) middle(i int) int { return (p.x[i] + p.x[i+1]) / 2 }

// mark is where the line of a column's time stands.
func (p *picture) mark(i int) int { return p.x[i] + narrow/2 }

func (p *picture) legend(list []Name) {
	y := p.top + len(p.grid.names)*laneHigh + axisHigh + margin/2
	for _, n := range list {
		text := []rune(oneLine(n.Text))
		if len(text) > legendText {
			text = append(text[:legendText-1], '…')
		}
		p.draw(`<circle class="marble" cx="%d" cy="%d" r="9"/>`, margin+9, y+4)
		p.draw(`<text class="letter" x="%d" y="%d" style="font-size:11px">%s</text>`, margin+9, y+8, safe(n.Letter))
		p.draw(`<text class="code" x="%d" y="%d">%s</text>`, margin+28, y+8, safe(string(text)))
		y += lineHigh
	}
}
