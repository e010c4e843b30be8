package stream_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/thaw-go/thaw/stream"
)

// profileParts splits an event that once said two things.
func profileParts(r stream.Raw) ([]stream.Raw, error) {
	var old struct{ Mail, Name string }
	if err := json.Unmarshal(r.Data, &old); err != nil {
		return nil, err
	}
	return []stream.Raw{
		{Type: "ADDRESS_SET", Schema: 1, Data: fmt.Appendf(nil, `{"Address":%q}`, old.Mail)},
		{Type: "NAME_SET", Schema: 1, Data: fmt.Appendf(nil, `{"Name":%q}`, old.Name)},
	}, nil
}

// spaceless is PROFILE_SET from schema 1 to 2, when it was still written.
func spaceless(data []byte) ([]byte, error) {
	return []byte(strings.ReplaceAll(string(data), " ", "")), nil
}

// evolved has an event that was renamed, one that was split into that one and
// another, and one that is gone.
var evolved = stream.NewTopicWith("users", userCatalogue, stream.TopicOptions[userEvent]{
	Upcasters: map[string][]stream.Upcaster{"EMAIL_SET": {addressToEmail, addNote}, "PROFILE_SET": {spaceless}},
	Retired: map[string]stream.Retired{
		"ADDRESS_SET": stream.Renamed("EMAIL_SET"),
		"PROFILE_SET": {Into: []string{"ADDRESS_SET", "NAME_SET"}, As: profileParts},
		"LOGGED_IN":   {},
	},
})

func all[E any](t *testing.T, topic *stream.Topic[E], rec *stream.Record) (data []E, list []stream.Event[E]) {
	t.Helper()
	list, err := topic.DecodeAll(rec, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		data = append(data, e.Data)
	}
	return data, list
}

// Breaks when: become hands a retired name's events over without following their
// own names, or decodeRetired does not leave out what the topic does not want.
func TestRetired(t *testing.T) {
	const note = "from before notes"
	profile := record("users", "PROFILE_SET", 1, `{"Mail":"a @b","Name":"An n"}`)
	profile.ID = stream.EventID{1}
	for _, c := range []struct {
		claim string
		rec   *stream.Record
		want  []userEvent
	}{
		{"a renamed event goes through the new name's upcasters", record("users", "ADDRESS_SET", 1, `{"Address":"a@b"}`), []userEvent{emailSet{"a@b", note}}},
		{"and keeps its schema", record("users", "ADDRESS_SET", 2, `{"Email":"a@b"}`), []userEvent{emailSet{"a@b", note}}},
		{"a split one becomes several, each by its own chain", record("users", "PROFILE_SET", 2, `{"Mail":"a @b","Name":"An n"}`), []userEvent{emailSet{"a @b", note}, nameSet{"An n"}}},
		{"after the upcasters of its old name", profile, []userEvent{emailSet{"a@b", note}, nameSet{"Ann"}}},
		{"a dropped one becomes none", record("users", "LOGGED_IN", 3, `not even JSON`), nil},
		{"every other is one", record("users", "NAME_SET", 1, `{"Name":"Ann"}`), []userEvent{nameSet{"Ann"}}},
	} {
		t.Run(c.claim, func(t *testing.T) {
			got, list := all(t, evolved, c.rec)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			for _, e := range list {
				if e.Position != c.rec.Position || e.Version != c.rec.Version || e.Stream != c.rec.Stream {
					t.Errorf("got %+v, want it at the record's place", e.Header)
				}
			}
		})
	}
	t.Run("what comes of one event has its ID, and IDs derived from it", func(t *testing.T) {
		_, list := all(t, evolved, profile)
		if list[0].ID != profile.ID || list[1].ID != stream.DeriveID(profile.ID, "PROFILE_SET", 1) || list[0].Type != "EMAIL_SET" {
			t.Errorf("got %s %s and %s", list[0].Type, list[0].ID, list[1].ID)
		}
		_, narrow := all(t, stream.Only[nameSet](evolved), profile)
		if narrow[0].ID != list[1].ID {
			t.Error("a narrowed topic gives the same event another ID")
		}
	})
	t.Run("a narrowed topic has what it wants of it, and a union all", func(t *testing.T) {
		if got, _ := all(t, stream.Only[nameSet](evolved), profile); len(got) != 1 || got[0].Name != "Ann" {
			t.Errorf("got %v", got)
		}
		if got, _ := all(t, stream.Union[any](lots, evolved), profile); len(got) != 2 {
			t.Errorf("got %v", got)
		}
	})
	t.Run("Decode is for those of which one comes", func(t *testing.T) {
		var e stream.Event[userEvent]
		if err := evolved.Decode(record("users", "ADDRESS_SET", 1, `{"Address":"a@b"}`), &e); err != nil || e.Data != (emailSet{"a@b", note}) {
			t.Errorf("got %v, %v", e.Data, err)
		}
		for _, rec := range []*stream.Record{profile, record("users", "LOGGED_IN", 1, ``)} {
			if err := wantDecodeError(t, evolved, rec); !strings.Contains(err.Error(), "events come of it; expected one") {
				t.Error(err)
			}
		}
	})
	t.Run("an error speaks of what was stored, and nothing is handed over", func(t *testing.T) {
		rec := record("users", "PROFILE_SET", 2, `{`)
		wantDecodeError(t, evolved, rec)
		list, err := evolved.DecodeAll(record("users", "ADDRESS_SET", 9, `{}`), nil)
		var d *stream.DecodeError
		if !errors.As(err, &d) || d.Type != "ADDRESS_SET" || len(list) > 0 || !strings.Contains(err.Error(), `as "EMAIL_SET" schema 9: schema 9 is newer than 3`) {
			t.Errorf("got %v and %v", list, err)
		}
	})
}

func TestRetiredSelects(t *testing.T) {
	types := func(m []stream.Match) string { return strings.Join(m[0].Types, " ") }
	if got := types(stream.Only[nameSet](evolved).Match("")); got != "NAME_SET PROFILE_SET" {
		t.Errorf("names: got %s", got)
	}
	if got := types(stream.Only[emailSet](evolved).Match("")); got != "EMAIL_SET ADDRESS_SET PROFILE_SET" {
		t.Errorf("e-mails: got %s", got)
	}
	skipping := stream.NewTopicWith("users", stream.Catalogue[any]{"NAME_SET": nameSet{}}, stream.TopicOptions[any]{
		Unknown: stream.SkipUnknown,
		Retired: map[string]stream.Retired{"CALLED": stream.Renamed("NAMED"), "NAMED": stream.Renamed("NAME_SET"), "LOGGED_IN": {}},
	})
	if got := types(skipping.Match("")); got != "NAME_SET CALLED NAMED" {
		t.Errorf("skipping: got %s", got)
	}
}

// Breaks when: become does not count what it makes.
func TestRetiredIsBounded(t *testing.T) {
	many := func(to string, n int) stream.Retired {
		return stream.Retired{Into: []string{to}, As: func(stream.Raw) (list []stream.Raw, err error) {
			for range n {
				list = append(list, stream.Raw{Type: to, Schema: 1, Data: []byte(`{}`)})
			}
			return list, nil
		}}
	}
	made := func(name string, retired map[string]stream.Retired) (int, error) {
		topic := stream.NewTopicWith("users", stream.Catalogue[any]{"NAME_SET": nameSet{}}, stream.TopicOptions[any]{Retired: retired})
		list, err := topic.DecodeAll(record("users", name, 1, `{}`), nil)
		return len(list), err
	}
	if n, err := made("A", map[string]stream.Retired{"A": many("NAME_SET", 100)}); n != 100 || err != nil {
		t.Errorf("100 events: got %d, %v", n, err)
	}
	for claim, retired := range map[string]map[string]stream.Retired{
		"101 events":         {"A": many("NAME_SET", 101)},
		"each becoming some": {"A": many("B", 20), "B": many("C", 20), "C": {}},
		"another name":       {"A": {Into: []string{"NAME_SET"}, As: func(r stream.Raw) ([]stream.Raw, error) { return []stream.Raw{r}, nil }}},
		"a panic":            {"A": {Into: []string{"NAME_SET"}, As: func(stream.Raw) ([]stream.Raw, error) { panic("oops") }}},
	} {
		n, err := made("A", retired)
		var d *stream.DecodeError
		if n != 0 || !errors.As(err, &d) {
			t.Errorf("%s: got %d events and %v, want a *DecodeError", claim, n, err)
		}
	}
}

func TestRetiredMistakesPanic(t *testing.T) {
	for want, o := range map[string]stream.TopicOptions[any]{
		`retired names go in a circle: ["A" "B" "A"]`:        {Retired: map[string]stream.Retired{"A": stream.Renamed("B"), "B": stream.Renamed("A")}},
		`retired "A" becomes "C", which the catalogue lacks`: {Retired: map[string]stream.Retired{"A": stream.Renamed("C")}},
		`"NAME_SET" is in the catalogue and retired`:         {Retired: map[string]stream.Retired{"NAME_SET": {}}},
		`Into has 2 names`:  {Retired: map[string]stream.Retired{"A": {Into: []string{"NAME_SET", "B"}}, "B": {}}},
		`Into has 0 names`:  {Retired: map[string]stream.Retired{"A": {As: profileParts}}},
		`upcasters for "B"`: {Retired: map[string]stream.Retired{"A": {}}, Upcasters: map[string][]stream.Upcaster{"B": nil}},
	} {
		t.Run(want, func(t *testing.T) {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
					t.Errorf("got panic %s", got)
				}
			}()
			stream.NewTopicWith("users", stream.Catalogue[any]{"NAME_SET": nameSet{}}, o)
		})
	}
}
