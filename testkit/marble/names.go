package marble

import (
	"unicode"

	"github.com/thaw-go/thaw/testkit/internal/value"
)

// Names gives values letters: a to z, A to Z, then others. Its zero value is
// ready to use. Equal values have the same letter. It is not safe for use by
// several goroutines at once.
type Names struct {
	list    []Name
	last    rune
	letters map[uint64][]named // by the values' hashes
	taken   map[string]bool
}

type named struct {
	value  any
	letter string
}

// Of is the letter of a value. The text is what the legend says of it if it is
// seen for the first time.
func (n *Names) Of(v any, text string) string {
	if letter := n.find(v); letter != "" {
		return letter
	}
	letter := n.unused()
	n.Set(letter, v, text)
	return letter
}

// Set gives a value the letter that a person has chosen for it.
func (n *Names) Set(letter string, v any, text string) {
	if n.letters == nil {
		n.letters, n.taken = map[uint64][]named{}, map[string]bool{}
	}
	h := value.Hash(v)
	n.letters[h] = append(n.letters[h], named{v, letter})
	if !n.taken[letter] {
		n.taken[letter] = true
		n.list = append(n.list, Name{letter, text})
	}
}

// Legend is the letters that have been given, in that order.
func (n *Names) Legend() []Name { return n.list }

func (n *Names) find(v any) string {
	for _, known := range n.letters[value.Hash(v)] {
		if value.Equal(known.value, v) {
			return known.letter
		}
	}
	return ""
}

func (n *Names) unused() string {
	for n.last < unicode.MaxRune {
		n.last = following(n.last)
		if letter := string(n.last); !n.taken[letter] {
			return letter
		}
	}
	return "?" // all letters there are have been used
}

// following is the letter after another one; those that look like a letter of
// the Latin alphabet are left out where that is easy.
func following(r rune) rune {
	switch r {
	case 0:
		return 'a'
	case 'z':
		return 'A'
	case 'Z':
		return 'α'
	}
	for r++; r < unicode.MaxRune && (!unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lo) || r == 'ς' || r == 'ο'); r++ {
	}
	return r
}
