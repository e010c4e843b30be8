package marble

import (
	"fmt"
	"strings"
	"time"

	"github.com/thaw-go/thaw/testkit/internal/value"
)

// describe says in words how the two sides differ, given what is what.
func (c *comparison) describe() (found []Difference) {
	add := func(at time.Duration, values, format string, args ...any) {
		found = append(found, Difference{At: at, Text: fmt.Sprintf(format, args...), Values: values})
	}
	swapped := c.swaps()
	for i := range c.want {
		w := &c.want[i]
		g := w.mate
		switch {
		case g == nil:
			add(w.At, "", "%s", c.missing(w))
		case ending(w, g) != "":
			add(min(w.At, g.At), errorsText(w, g), "%s", ending(w, g))
		case swapped[w] == w:
			// said of the other one
		case swapped[w] != nil:
			add(w.At, "", "%s and %s came in each other's place: %s was wanted at %s, %s at %s",
				swapped[w].called(), w.called(), w.sign(), after(w.At), swapped[w].sign(), after(swapped[w].At))
		case w.At != g.At:
			add(min(w.At, g.At), "", "%s, %s: wanted at %s%s", g.happened(w), lateness(g.At-w.At), after(w.At), g.late())
		case w.Again && !g.Again:
			add(w.At, "", "%s was delivered as if for the first time: wanted again, as %s", g.called(), w.sign())
		case !w.Again && g.Again:
			add(w.At, "", "%s was delivered again: wanted for the first time, as %s", g.called(), w.sign())
		default:
			if err := mismatch(w.Point, g.Point); err != nil {
				text, values := instead(w, g, err)
				add(w.At, values, "%s", text)
			}
		}
	}
	for i := range c.got {
		if g := &c.got[i]; g.mate == nil {
			add(g.At, "", "%s", c.extra(g))
		}
	}
	return append(found, c.order()...)
}

// called is a point as a sentence names it: e (position 5).
func (m *mark) called() string {
	note := m.Note
	if note == "" && m.mate != nil {
		note = m.mate.Note
	}
	if note == "" {
		return m.sign()
	}
	return m.sign() + " (" + note + ")"
}

// happenings say of the kinds that are no events that they happened, and that
// they did not.
var happenings = [...]struct{ did, didNot string }{
	Subscribe:   {"was subscribed", "was not subscribed"},
	CaughtUp:    {"was caught up", "was never caught up"},
	Complete:    {"completed", "did not complete"},
	Failed:      {"failed", "did not fail"},
	Unsubscribe: {"was unsubscribed", "was not unsubscribed"},
	Checkpoint:  {"a checkpoint was stored", "no checkpoint was stored"},
	Crash:       {"crashed", "did not crash"},
}

func (k Kind) did() string {
	if k == Event || int(k) >= len(happenings) || k == 0 {
		return fmt.Sprintf("something of kind %d happened", k)
	}
	return happenings[k].did
}

func (k Kind) didNot() string {
	if k == Event || int(k) >= len(happenings) || k == 0 {
		return fmt.Sprintf("nothing of kind %d happened", k)
	}
	return happenings[k].didNot
}

// happened says what came, w being what it was to be.
func (m *mark) happened(w *mark) string {
	switch m.Kind {
	case Event:
		return fmt.Sprintf("%s came at %s", w.called(), after(m.At))
	case Failed:
		return fmt.Sprintf("failed at %s%s", after(m.At), with(m))
	}
	return m.Kind.did() + " at " + after(m.At)
}

// late says so if a point came when the lane was over.
func (m *mark) late() string {
	if m.over {
		return "; by then it had ended"
	}
	return ""
}

func lateness(d time.Duration) string {
	if d < 0 {
		return jump(-d) + " early"
	}
	return jump(d) + " late"
}

// with is the error of a failure.
func with(m *mark) string {
	if m.Value == nil {
		return ""
	}
	if _, ok := m.Value.(Matcher); ok {
		return ""
	}
	return fmt.Sprintf(" with %q", show(m.Value))
}

func errorText(err error) (text string) {
	defer func() {
		if p := recover(); p != nil {
			text = fmt.Sprintf("an error whose text panicked: %v", p)
		}
	}()
	return err.Error()
}

// missing says what did not come.
func (c *comparison) missing(w *mark) string {
	if w.Kind != Event {
		return fmt.Sprintf("%s%s: wanted at %s", w.Kind.didNot(), with(w), after(w.At))
	}
	if w.Again {
		return w.called() + " was not delivered again"
	}
	if came := c.came[w.class]; len(came) > 0 && len(c.wanted[w.class]) > 1 && w.class != asked {
		return fmt.Sprintf("%s was delivered %s, at %s; wanted %s, also at %s",
			w.called(), often(len(came)), list(came), often(len(c.wanted[w.class])), after(w.At))
	}
	return w.called() + " was never delivered"
}

// extra says what came without being wanted.
func (c *comparison) extra(g *mark) string {
	switch {
	case g.Kind == Failed:
		return fmt.Sprintf("failed at %s%s, which was not wanted%s", after(g.At), with(g), g.late())
	case g.Kind != Event:
		return fmt.Sprintf("%s at %s, which was not wanted%s", g.Kind.did(), after(g.At), g.late())
	}
	if came := c.came[g.class][:g.nth]; len(came) > 1 {
		text := fmt.Sprintf("%s was delivered %s, at %s", g.called(), often(len(came)), list(came))
		if wanted := len(c.wanted[g.class]); wanted > 1 {
			text += fmt.Sprintf("; wanted %s", often(wanted))
		}
		return text + g.late()
	}
	if g.Again {
		return fmt.Sprintf("%s was delivered again at %s, which was not wanted%s", g.called(), after(g.At), g.late())
	}
	return fmt.Sprintf("%s came at %s and was not wanted%s", g.called(), after(g.At), g.late())
}

func often(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}

// list is times as a person lists them; of many, the last ones.
func list(times []time.Duration) string {
	const most = 4
	var texts []string
	for _, at := range times[max(0, len(times)-most):] {
		texts = append(texts, after(at))
	}
	if len(times) > most {
		texts[0] = "… " + texts[0]
	}
	last := len(texts) - 1
	if last == 0 {
		return texts[0]
	}
	return strings.Join(texts[:last], ", ") + " and " + texts[last]
}

// ending says how the lane ended if it was to end in another way.
func ending(w, g *mark) string {
	switch {
	case w.Kind == Complete && g.Kind == Failed:
		return fmt.Sprintf("failed at %s%s: it was to complete at %s%s", after(g.At), with(g), after(w.At), g.late())
	case w.Kind == Failed && g.Kind == Complete:
		return fmt.Sprintf("completed at %s: it was to fail%s at %s%s", after(g.At), with(w), after(w.At), g.late())
	case w.Kind != Failed || g.Kind != Failed:
		return ""
	}
	err := mismatch(w.Point, g.Point)
	if err == nil {
		return ""
	}
	text := fmt.Sprintf("failed at %s with another error than wanted%s", after(g.At), why(err))
	if w.At != g.At {
		text += fmt.Sprintf(", and %s", lateness(g.At-w.At))
	}
	return text + g.late()
}

func why(err error) string {
	if err == errDiffers {
		return ""
	}
	return ": " + errorText(err)
}

// errorsText is the two errors, if they are two.
func errorsText(w, g *mark) string {
	if w.Kind != g.Kind {
		return ""
	}
	came := fmt.Sprintf("+ %s (%T)\n", show(g.Value), g.Value)
	if _, ok := w.Value.(Matcher); ok {
		return came
	}
	return fmt.Sprintf("- %s (%T)\n", show(w.Value), w.Value) + came
}

// instead says that g came where w was wanted.
func instead(w, g *mark, err error) (text, values string) {
	_, matcher := w.Value.(Matcher)
	if !matcher && w.Value != nil && g.Value != nil {
		values = value.Difference(w.Value, g.Value)
	}
	if w.sign() == g.sign() {
		return w.called() + " came with another value than wanted" + why(err), values
	}
	return fmt.Sprintf("%s came in the place of %s%s", g.called(), w.called(), why(err)), values
}
