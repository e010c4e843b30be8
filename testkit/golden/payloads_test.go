package golden_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit/golden"
)

// A user's e-mail, as five releases of a program had it.
type (
	emailV1      struct{ Email, Note string }
	emailRenamed struct{ Address, Note string }
	emailRemoved struct{ Email string }
	emailAdded   struct {
		Email, Note string
		Since       int `json:",omitempty"`
	}
	emailChanged struct {
		Email string
		Note  []string
	}
	joined struct{ Name string }
)

func topicOf[E any](example E, upcasters ...stream.Upcaster) *stream.Topic[any] {
	return stream.NewTopicWith("users", stream.Catalogue[any]{"EMAIL_SET": example}, stream.TopicOptions[any]{
		Upcasters: map[string][]stream.Upcaster{"EMAIL_SET": upcasters},
	})
}

// recordedV1 records the first release, and lets the test have that directory.
func recordedV1(t *testing.T) {
	t.Helper()
	elsewhere(t)
	update(t, func(tb testing.TB) {
		golden.Payloads(tb, topicOf(emailV1{}), "payloads", emailV1{"a@b", "home"})
	})
}

func wantReport(t *testing.T, got string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(got, part) {
			t.Errorf("%q is missing in\n%s", part, got)
		}
	}
}

// Breaks when: reshaped compares the kinds of the paths of one side only.
func TestAPayloadsShapeMayNotChangeUnnoticed(t *testing.T) {
	for claim, c := range map[string]struct {
		example any
		says    []string
	}{
		"a renamed field": {emailRenamed{"a@b", "home"}, []string{"  + payload.Address: string\n  - payload.Email: string\n"}},
		"a removed field": {emailRemoved{"a@b"}, []string{"  - payload.Note: string\n"}},
		"an added field":  {emailAdded{"a@b", "home", 3}, []string{"  + payload.Since: number\n"}},
		"a changed type":  {emailChanged{"a@b", []string{"home"}}, []string{"  - payload.Note: string\n  + payload.Note: array\n", "  + payload.Note[]: string\n"}},
	} {
		t.Run(claim, func(t *testing.T) {
			recordedV1(t)
			got := reports(func(tb testing.TB) { golden.Payloads(tb, topicOf(c.example), "payloads", c.example) })
			wantReport(t, got, append(c.says, "EMAIL_SET has another shape than testdata/payloads/EMAIL_SET@1.payload, and its schema is still 1", `Upcasters["EMAIL_SET"]`, "which makes its schema 2")...)
		})
	}
	t.Run("other values are no other shape", func(t *testing.T) {
		recordedV1(t)
		if got := reports(func(tb testing.TB) {
			golden.Payloads(tb, topicOf(emailV1{}), "payloads", emailV1{"c@d", "work"})
		}); got != "" {
			t.Error(got)
		}
	})
}

func addSince(data []byte) ([]byte, error) {
	return append(data[:len(data)-1:len(data)-1], `,"Since":1}`...), nil
}

// Breaks when: -update writes over a payload that is there.
func TestUpdateAddsAVersionAndChangesNoPayload(t *testing.T) {
	recordedV1(t)
	v1 := filepath.Join("testdata", "payloads", "EMAIL_SET@1.payload")
	before, err := os.ReadFile(v1)
	if err != nil {
		t.Fatal(err)
	}
	example := emailAdded{"c@d", "work", 7}
	check := func(tb testing.TB) { golden.Payloads(tb, topicOf(emailAdded{}, addSince), "payloads", example) }
	wantReport(t, reports(check), "there is no testdata/payloads/EMAIL_SET@2.payload yet", "EMAIL_SET@1.decoded is another one", `  +   "Since": 1`)
	update(t, check)
	if got := reports(check); got != "" {
		t.Error(got)
	}
	if after, err := os.ReadFile(v1); err != nil || string(after) != string(before) {
		t.Errorf("the payload of schema 1 became %q: %v", after, err)
	}

	t.Run("nor anything of one whose shape has changed", func(t *testing.T) {
		update(t, func(tb testing.TB) {
			golden.Payloads(&recorder{TB: tb}, topicOf(emailRemoved{}, addSince), "payloads", emailRemoved{"a@b"})
		})
		if got := reports(check); got != "" {
			t.Error(got)
		}
	})
	t.Run("an upcaster that changes is found", func(t *testing.T) {
		other := func(data []byte) ([]byte, error) {
			data, err := addSince(data)
			return []byte(strings.Replace(string(data), `:1}`, `:2}`, 1)), err
		}
		got := reports(func(tb testing.TB) { golden.Payloads(tb, topicOf(emailAdded{}, other), "payloads", example) })
		wantReport(t, got, "EMAIL_SET@1.decoded is another one", `  -   "Since": 1`, `  +   "Since": 2`)
	})
	t.Run("one that fails is found", func(t *testing.T) {
		fails := func(data []byte) ([]byte, error) { return nil, errors.New("no such note") }
		got := reports(func(tb testing.TB) { golden.Payloads(tb, topicOf(emailAdded{}, fails), "payloads", example) })
		wantReport(t, got, "EMAIL_SET@1.payload can not be read any more", "upcast from schema 1: no such note")
	})
	t.Run("a payload of a version that is gone is missed", func(t *testing.T) {
		if err := os.Remove(v1); err != nil {
			t.Fatal(err)
		}
		wantReport(t, reports(check), "no payload of EMAIL_SET in schema 1 is recorded", "testdata/payloads/EMAIL_SET@1.payload")
	})
}

func TestRetiredPayloadsStayReadable(t *testing.T) {
	recordedV1(t)
	topic := func(r map[string]stream.Retired) *stream.Topic[any] {
		return stream.NewTopicWith("users", stream.Catalogue[any]{"JOINED": joined{}}, stream.TopicOptions[any]{Retired: r})
	}
	example := joined{"Ann"}
	dropped := topic(map[string]stream.Retired{"EMAIL_SET": {}})
	update(t, func(tb testing.TB) { golden.Payloads(tb, dropped, "payloads", example) })
	if data, err := os.ReadFile("testdata/payloads/EMAIL_SET@1.decoded"); err != nil || string(data) != "(dropped)\n" {
		t.Errorf("got %q, %v", data, err)
	}
	got := reports(func(tb testing.TB) { golden.Payloads(tb, topic(nil), "payloads", example) })
	wantReport(t, got, "EMAIL_SET@1.payload can not be read any more", "the catalogue does not have this type")
	got = reports(func(tb testing.TB) {
		golden.Payloads(tb, topic(map[string]stream.Retired{"EMAIL_SET": {}, "LEFT": {}}), "payloads", example)
	})
	wantReport(t, got, "no payload of LEFT is recorded, which was retired", "testdata/payloads/LEFT@1.payload")
}

func TestExamplesAreWholeAndOfEveryType(t *testing.T) {
	elsewhere(t)
	topic := stream.NewTopic("users", stream.Catalogue[any]{"EMAIL_SET": emailV1{}, "JOINED": joined{}, "CHANGED": emailChanged{}})
	got := reports(func(tb testing.TB) {
		golden.Payloads(tb, topic, "payloads", emailV1{Email: "a@b"}, emailV1{"a", "b"}, emailChanged{"a", []string{""}}, 3)
	})
	wantReport(t, got, "there is no example of JOINED", "the example of EMAIL_SET leaves payload.Note empty", "EMAIL_SET has two examples",
		"the example of CHANGED leaves payload.Note[0] empty", "an example can not be stored")
	if got := reports(func(tb testing.TB) { golden.Payloads(tb, topic, "../x") }); !strings.Contains(got, "not the name of a directory") {
		t.Error(got)
	}
}
