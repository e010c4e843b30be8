package stream_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/thaw-go/thaw/stream"
)

type moved struct{ From, To string }

func moves(o stream.TopicOptions[moved]) *stream.Topic[moved] {
	return stream.NewTopicWith("moves", stream.Catalogue[moved]{"MOVED": moved{}}, o)
}

// Breaks when: tagsOf sorts what the function returned in place, keeps a tag twice, or
// makes none an empty list.
func TestEncodeTagsEvents(t *testing.T) {
	given := []string{"b", "a", "b"}
	for claim, c := range map[string]struct {
		tags func(moved) []string
		want []string
	}{
		"no function":      {nil, nil},
		"no tags":          {func(moved) []string { return []string{} }, nil},
		"in order, once":   {func(moved) []string { return given }, []string{"a", "b"}},
		"of the payload":   {func(m moved) []string { return []string{"to:" + m.To, "from:" + m.From} }, []string{"from:x", "to:y"}},
		"the same one all": {func(moved) []string { return []string{"a", "a", "a"} }, []string{"a"}},
	} {
		t.Run(claim, func(t *testing.T) {
			r, err := moves(stream.TopicOptions[moved]{Tags: c.tags, Remember: time.Minute}).Encode(moved{"x", "y"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, r.Tags); diff != "" {
				t.Error(diff)
			}
			if r.Remember != 60 {
				t.Errorf("its command is remembered for %d seconds, want 60", r.Remember)
			}
		})
	}
	if diff := cmp.Diff([]string{"b", "a", "b"}, given); diff != "" {
		t.Errorf("the function's own list has changed:\n%s", diff)
	}
}

// Breaks when: tagsOf calls the function uncontained.
func TestAPanicInTagsIsAnErrorOfEncode(t *testing.T) {
	_, err := moves(stream.TopicOptions[moved]{Tags: func(moved) []string { panic("oops") }}).Encode(moved{})
	var panicked *stream.PanicError
	if !errors.As(err, &panicked) || panicked.Stage != "Tags" {
		t.Errorf("got %v, want a *PanicError of Tags", err)
	}
}

// Breaks when: a condition's text leaves out what it is about, or where it broke.
func TestConditionErrorSaysWhichConditionAndWhere(t *testing.T) {
	for of, match := range map[string][]stream.Match{
		`any kind`:                           nil,
		`any kind tagged "a, b"`:             {{Tags: []string{"a", "b"}}},
		`topic "users" of type "MOVED, SET"`: {{Topic: "users", Types: []string{"MOVED", "SET"}}},
		`"users/ann" or topic "lots"`:        {{Topic: "users", Key: "ann"}, {Topic: "lots"}},
	} {
		want := "stream: append under a condition: expected no event of " + of + " after 7, found one at 9"
		c := stream.Condition{Match: match, After: stream.At(7)}
		err := &stream.ConditionError{Condition: c, Found: stream.At(9)}
		if got := err.Error(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
