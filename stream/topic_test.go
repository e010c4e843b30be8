package stream_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/thaw-go/thaw/stream"
)

// The events of the tests: a sealed type, and one event that is a pointer.
type userEvent interface{ user() }

type (
	emailSet struct{ Email, Note string }
	nameSet  struct{ Name string }
	deleted  struct{ Why string }
	strange  struct{ Raw stream.Raw }
)

func (emailSet) user() {}
func (nameSet) user()  {}
func (*deleted) user() {}
func (strange) user()  {}

// named is satisfied by one of the events only.
type named interface{ name() string }

func (n nameSet) name() string { return n.Name }

var userCatalogue = stream.Catalogue[userEvent]{"EMAIL_SET": emailSet{}, "NAME_SET": nameSet{}, "DELETED": (*deleted)(nil)}

var users = stream.NewTopic("users", userCatalogue)

type lotSold struct{ Price int }

var lots = stream.NewTopic("lots", stream.Catalogue[lotSold]{"LOT_SOLD": {}})

// record is a stored event, written by hand.
func record(topic, typ string, schema uint32, data string) *stream.Record {
	return &stream.Record{
		Header: stream.Header{Stream: stream.ID{Topic: topic, Key: "ann"}, Type: typ, Schema: schema, Position: 7, Version: 2},
		Data:   []byte(data),
	}
}

func decode[E any](t *testing.T, topic *stream.Topic[E], rec *stream.Record) E {
	t.Helper()
	var e stream.Event[E]
	if err := topic.Decode(rec, &e); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rec.Header, e.Header); diff != "" {
		t.Errorf("the header has changed (-want +got):\n%s", diff)
	}
	return e.Data
}

func wantDecodeError[E any](t *testing.T, topic *stream.Topic[E], rec *stream.Record) *stream.DecodeError {
	t.Helper()
	var e stream.Event[E]
	err := topic.Decode(rec, &e)
	var d *stream.DecodeError
	if !errors.As(err, &d) {
		t.Fatalf("got %v, want a *DecodeError", err)
	}
	got := []any{d.Stream, d.Position, d.Type, d.Schema}
	if diff := cmp.Diff([]any{rec.Stream, rec.Position, rec.Type, rec.Schema}, got); diff != "" {
		t.Errorf("the error names another event (-want +got):\n%s", diff)
	}
	return d
}

func TestTopicRoundTrip(t *testing.T) {
	for _, want := range []userEvent{emailSet{Email: "ann@home"}, nameSet{Name: "Ann"}, &deleted{Why: "asked"}} {
		t.Run(fmt.Sprintf("%T survives", want), func(t *testing.T) {
			rec, err := users.Encode(want)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, decode(t, users, &rec)); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("payloads are JSON under their stored name", func(t *testing.T) {
		rec, err := users.Encode(emailSet{Email: "ann@home"})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := rec.Type+" "+string(rec.Data), `EMAIL_SET {"Email":"ann@home","Note":""}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	t.Run("a topic may have one Go type only", func(t *testing.T) {
		rec, err := lots.Encode(lotSold{Price: 12})
		if err != nil {
			t.Fatal(err)
		}
		if got := decode(t, lots, &rec); got.Price != 12 {
			t.Errorf("got %d, want 12", got.Price)
		}
	})
	t.Run("a topic may hold anything", func(t *testing.T) {
		anything := stream.NewTopic("any", stream.Catalogue[any]{"N": 0, "S": "", "L": []string(nil), "P": (*lotSold)(nil)})
		for _, want := range []any{7, "seven", []string{"a", "b"}, &lotSold{Price: 7}} {
			rec, err := anything.Encode(want)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, decode(t, anything, &rec)); diff != "" {
				t.Error(diff)
			}
		}
	})
	t.Run("an event used again keeps nothing of the one before", func(t *testing.T) {
		var e stream.Event[lotSold]
		for _, data := range []string{`{"Price":7}`, `{}`} {
			if err := lots.Decode(record("lots", "LOT_SOLD", 1, data), &e); err != nil {
				t.Fatal(err)
			}
		}
		if e.Data.Price != 0 {
			t.Errorf("got price %d, want 0", e.Data.Price)
		}
	})
}

func TestTopicEncodeRefuses(t *testing.T) {
	t.Run("a type that the catalogue lacks", func(t *testing.T) {
		_, err := users.Encode(strange{})
		if !errors.Is(err, stream.ErrUnknownType) || !strings.Contains(err.Error(), "strange") {
			t.Errorf("got %v, want ErrUnknownType naming the Go type", err)
		}
	})
	t.Run("nothing", func(t *testing.T) {
		if _, err := users.Encode(nil); !errors.Is(err, stream.ErrUnknownType) {
			t.Errorf("got %v, want ErrUnknownType", err)
		}
	})
	t.Run("what the codec can not encode", func(t *testing.T) {
		channels := stream.NewTopic("channels", stream.Catalogue[chan int]{"C": nil})
		if _, err := channels.Encode(make(chan int)); err == nil || !strings.Contains(err.Error(), "encode C for topic channels") {
			t.Errorf("got %v, want an error naming the type and the topic", err)
		}
	})
	t.Run("an event of a union, which is only for reading", func(t *testing.T) {
		var invalid *stream.InvalidError
		if _, err := stream.Union[any](users, lots).Encode(lotSold{}); !errors.As(err, &invalid) {
			t.Errorf("got %v, want an *InvalidError", err)
		}
	})
}

// tagged is a codec that writes a tag before the JSON.
type tagged struct{}

func (tagged) Marshal(v any) ([]byte, error) {
	data, err := stream.JSON.Marshal(v)
	return append([]byte("tag:"), data...), err
}

func (tagged) Unmarshal(data []byte, into any) error {
	rest, ok := strings.CutPrefix(string(data), "tag:")
	if !ok {
		return errors.New("there is no tag")
	}
	return stream.JSON.Unmarshal([]byte(rest), into)
}

// explosive is a codec that panics.
type explosive struct{ with any }

func (e explosive) Marshal(any) ([]byte, error) { panic(e.with) }
func (e explosive) Unmarshal([]byte, any) error { panic(e.with) }

func TestCodec(t *testing.T) {
	topic := stream.NewTopicWith("users", userCatalogue, stream.TopicOptions[userEvent]{Codec: tagged{}})
	t.Run("a codec of one's own writes and reads", func(t *testing.T) {
		rec, err := topic.Encode(nameSet{Name: "Ann"})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := string(rec.Data), `tag:{"Name":"Ann"}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if diff := cmp.Diff(userEvent(nameSet{Name: "Ann"}), decode(t, topic, &rec)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("its error is the decode error's cause", func(t *testing.T) {
		if err := wantDecodeError(t, topic, record("users", "NAME_SET", 1, `{}`)); err.Err.Error() != "there is no tag" {
			t.Errorf("got %v, want the codec's error", err.Err)
		}
	})
	t.Run("its panic is an error, not a crash", func(t *testing.T) {
		cause := errors.New("oops")
		topic := stream.NewTopicWith("users", userCatalogue, stream.TopicOptions[userEvent]{Codec: explosive{cause}})
		_, err := topic.Encode(nameSet{})
		var panicked *stream.PanicError
		if !errors.As(err, &panicked) || !errors.Is(err, cause) {
			t.Errorf("Encode: got %v, want a *PanicError", err)
		}
		if err := wantDecodeError(t, topic, record("users", "NAME_SET", 1, `{}`)); !errors.As(err, &panicked) || !errors.Is(err, cause) {
			t.Errorf("Decode: got %v, want a *PanicError", err)
		}
	})
}

func TestUnknownTypes(t *testing.T) {
	surprise := record("users", "PHOTO_SET", 3, `{"Photo":1}`)
	t.Run("fail by default, naming the event", func(t *testing.T) {
		if err := wantDecodeError(t, users, surprise); !errors.Is(err, stream.ErrUnknownType) {
			t.Errorf("got %v, want ErrUnknownType", err)
		}
		if got := users.Match("")[0].Types; got != nil {
			t.Errorf("got types %q, want all read", got)
		}
	})
	t.Run("are not even read where they are skipped", func(t *testing.T) {
		topic := stream.NewTopicWith("users", userCatalogue, stream.TopicOptions[userEvent]{Unknown: stream.SkipUnknown})
		want := []stream.Match{{Topic: "users", Key: "ann", Types: []string{"DELETED", "EMAIL_SET", "NAME_SET"}}}
		if diff := cmp.Diff(want, topic.Match("ann")); diff != "" {
			t.Error(diff)
		}
	})
	keeping := stream.NewTopicWith("users", userCatalogue, stream.TopicOptions[userEvent]{
		Unknown:  stream.KeepUnknown,
		Fallback: func(r stream.Raw) userEvent { return strange{Raw: r} },
	})
	t.Run("are kept with their bytes, which are the receiver's own", func(t *testing.T) {
		got := decode(t, keeping, surprise)
		surprise.Data[0] = '!'
		want := userEvent(strange{stream.Raw{Type: "PHOTO_SET", Schema: 3, Data: []byte(`{"Photo":1}`)}})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("are kept when only their schema is newer", func(t *testing.T) {
		got := decode(t, keeping, record("users", "NAME_SET", 2, `{"First":"Ann"}`))
		want := userEvent(strange{stream.Raw{Type: "NAME_SET", Schema: 2, Data: []byte(`{"First":"Ann"}`)}})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("are kept in a union, too", func(t *testing.T) {
		if _, ok := decode(t, stream.Union[any](keeping, lots), record("users", "PHOTO_SET", 1, `{}`)).(strange); !ok {
			t.Error("want the fallback")
		}
	})
	t.Run("a fallback that panics is an error", func(t *testing.T) {
		topic := stream.NewTopicWith("users", userCatalogue, stream.TopicOptions[userEvent]{
			Unknown: stream.KeepUnknown, Fallback: func(stream.Raw) userEvent { panic("oops") },
		})
		var panicked *stream.PanicError
		if err := wantDecodeError(t, topic, surprise); !errors.As(err, &panicked) {
			t.Errorf("got %v, want a *PanicError", err)
		}
	})
	t.Run("a fallback that returns nothing is an error", func(t *testing.T) {
		topic := stream.NewTopicWith("users", userCatalogue, stream.TopicOptions[userEvent]{
			Unknown: stream.KeepUnknown, Fallback: func(stream.Raw) userEvent { return nil },
		})
		if err := wantDecodeError(t, topic, surprise); !errors.Is(err, stream.ErrUnknownType) {
			t.Errorf("got %v, want ErrUnknownType", err)
		}
	})
}

func TestOnly(t *testing.T) {
	t.Run("a concrete type is read alone and decoded as itself", func(t *testing.T) {
		emails := stream.Only[emailSet](users)
		if diff := cmp.Diff([]stream.Match{{Topic: "users", Types: []string{"EMAIL_SET"}}}, emails.Match("")); diff != "" {
			t.Error(diff)
		}
		got := decode(t, emails, record("users", "EMAIL_SET", 1, `{"Email":"a@b"}`))
		if diff := cmp.Diff(emailSet{Email: "a@b"}, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("an interface selects what satisfies it", func(t *testing.T) {
		got := stream.Only[named](users)
		if diff := cmp.Diff([]string{"NAME_SET"}, got.Types()); diff != "" {
			t.Error(diff)
		}
		if n := decode(t, got, record("users", "NAME_SET", 1, `{"Name":"Ann"}`)).name(); n != "Ann" {
			t.Errorf("got %q, want Ann", n)
		}
	})
	t.Run("a pointer type is itself", func(t *testing.T) {
		if got := decode(t, stream.Only[*deleted](users), record("users", "DELETED", 1, `{"Why":"x"}`)); got.Why != "x" {
			t.Errorf("got %q, want x", got.Why)
		}
	})
	t.Run("a type left out is not decoded", func(t *testing.T) {
		if err := wantDecodeError(t, stream.Only[emailSet](users), record("users", "NAME_SET", 1, `{}`)); !errors.Is(err, stream.ErrUnknownType) {
			t.Errorf("got %v, want ErrUnknownType", err)
		}
	})
	t.Run("a narrowed topic encodes what it holds", func(t *testing.T) {
		rec, err := stream.Only[emailSet](users).Encode(emailSet{Email: "a@b"})
		if err != nil || rec.Type != "EMAIL_SET" || rec.Stream.Topic != "users" {
			t.Errorf("got %+v, %v, want an EMAIL_SET of users", rec.Header, err)
		}
	})
	t.Run("the topic itself stays as it was", func(t *testing.T) {
		if diff := cmp.Diff([]string{"DELETED", "EMAIL_SET", "NAME_SET"}, users.Types()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestUnion(t *testing.T) {
	all := stream.Union[any](stream.Only[emailSet](users), lots)
	t.Run("has the names of its topics", func(t *testing.T) {
		if got := all.Name(); got != "users+lots" {
			t.Errorf("got %s, want users+lots", got)
		}
	})
	t.Run("selects what each of them selects", func(t *testing.T) {
		want := []stream.Match{{Topic: "users", Types: []string{"EMAIL_SET"}}, {Topic: "lots"}}
		if diff := cmp.Diff(want, all.Match("")); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("decodes each by its own catalogue", func(t *testing.T) {
		got := []any{
			decode(t, all, record("users", "EMAIL_SET", 1, `{"Email":"a@b"}`)),
			decode(t, all, record("lots", "LOT_SOLD", 1, `{"Price":3}`)),
		}
		if diff := cmp.Diff([]any{emailSet{Email: "a@b"}, lotSold{Price: 3}}, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("refuses events of other topics", func(t *testing.T) {
		wantDecodeError(t, all, record("invoices", "LOT_SOLD", 1, `{}`))
	})
	t.Run("can be narrowed again", func(t *testing.T) {
		sold := stream.Only[lotSold](all)
		if diff := cmp.Diff([]stream.Match{{Topic: "lots", Key: "7", Types: []string{"LOT_SOLD"}}}, sold.Match("7")); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("names the right topic in an event", func(t *testing.T) {
		if got := all.Event("7", lotSold{Price: 3}).Stream; got != (stream.ID{Topic: "lots", Key: "7"}) {
			t.Errorf("got %v, want lots/7", got)
		}
	})
}

func TestTopicEvent(t *testing.T) {
	want := &stream.Event[userEvent]{Header: stream.Header{Stream: ann, Type: "EMAIL_SET", Schema: 1}, Data: emailSet{Email: "a@b"}}
	if diff := cmp.Diff(want, users.Event("ann", emailSet{Email: "a@b"})); diff != "" {
		t.Error(diff)
	}
	if got := users.Event("ann", strange{}).Type; got != "" {
		t.Errorf("got type %q of an event that the catalogue lacks, want none", got)
	}
}

// Mistakes in a catalogue are found when the program starts.
func TestTopicMistakes(t *testing.T) {
	up := []stream.Upcaster{func(d []byte) ([]byte, error) { return d, nil }}
	with := func(c stream.Catalogue[any], o stream.TopicOptions[any]) func() {
		return func() { stream.NewTopicWith("users", c, o) }
	}
	for _, c := range []struct {
		claim, message string
		make           func()
	}{
		{"a Go type under two names", "two names", with(stream.Catalogue[any]{"A": 1, "B": 2}, stream.TopicOptions[any]{})},
		{"an example without a type", "nil example", with(stream.Catalogue[any]{"A": nil}, stream.TopicOptions[any]{})},
		{"an empty stored name", "empty", with(stream.Catalogue[any]{"": 1}, stream.TopicOptions[any]{})},
		{"a stored name too long", "too large", with(stream.Catalogue[any]{strings.Repeat("x", stream.MaxTypeBytes+1): 1}, stream.TopicOptions[any]{})},
		{"a control character in a stored name", "control character", with(stream.Catalogue[any]{"A\n": 1}, stream.TopicOptions[any]{})},
		{"upcasters for a type that is not there", "catalogue lacks", with(stream.Catalogue[any]{"A": 1}, stream.TopicOptions[any]{Upcasters: map[string][]stream.Upcaster{"B": up}})},
		{"a fallback that is never used", "go together", with(stream.Catalogue[any]{"A": 1}, stream.TopicOptions[any]{Fallback: func(r stream.Raw) any { return r }})},
		{"keeping without a fallback", "go together", with(stream.Catalogue[any]{"A": 1}, stream.TopicOptions[any]{Unknown: stream.KeepUnknown})},
		{"skipping all there is", "nothing to read", with(nil, stream.TopicOptions[any]{Unknown: stream.SkipUnknown})},
		{"a topic without a name", "empty", func() { stream.NewTopic("", userCatalogue) }},
		{"a topic with a slash", "no slash", func() { stream.NewTopic("a/b", userCatalogue) }},
		{"narrowing to what is not there", "no event that is", func() { stream.Only[lotSold](users) }},
		{"a union that names a topic twice", "twice", func() { stream.Union[any](users, stream.Only[emailSet](users)) }},
		{"a union of events that are none", "which is not a", func() { stream.Union[userEvent](users, lots) }},
		{"a union of nothing", "no topics", func() { stream.Union[any]() }},
	} {
		t.Run(c.claim+" panics", func(t *testing.T) {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, c.message) {
					t.Errorf("got %q, want a panic with %q", got, c.message)
				}
			}()
			c.make()
		})
	}
}

// Guarantee 11, for payloads: whatever is stored, decoding it gives an event or a
// DecodeError.
// Breaks when: Decode does not wrap what decode returns; that a codec's panic is
// contained is TestCodec's.
func FuzzTopicDecode(f *testing.F) {
	f.Add("EMAIL_SET", uint32(1), []byte(`{"Address":"a@b"}`))
	f.Add("EMAIL_SET", uint32(0), []byte(`{`))
	f.Add("NAME_SET", uint32(1<<32-1), []byte(`null`))
	f.Add("DELETED", uint32(1), []byte(`null`))
	f.Add("", uint32(0), []byte(nil))
	f.Add("PROFILE_SET", uint32(1), []byte(`{"Mail":"a@b","Name":"Ann"}`))
	f.Add("ADDRESS_SET", uint32(1), []byte(`{"Address":"a@b"}`))
	f.Add("LOGGED_IN", uint32(9), []byte(`{`))
	f.Fuzz(func(t *testing.T, typ string, schema uint32, data []byte) {
		rec := record("users", typ, schema, string(data))
		var e stream.Event[userEvent]
		err := evolved.Decode(rec, &e)
		var d *stream.DecodeError
		if err != nil && !errors.As(err, &d) {
			t.Errorf("got %v, want a *DecodeError", err)
		}
		if err == nil && e.Data == nil {
			t.Error("got neither an event nor an error")
		}
		all, allErr := evolved.DecodeAll(rec, nil)
		if allErr != nil && (!errors.As(allErr, &d) || err == nil || len(all) > 0) {
			t.Errorf("all: got %v and %d events, and one alone %v", allErr, len(all), err)
		}
		for _, e := range all {
			if e.Data == nil || e.Position != rec.Position || e.Version != rec.Version {
				t.Errorf("got %+v, want an event at the record's place", e)
			}
		}
	})
}
