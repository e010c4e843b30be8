package testkit

import (
	"fmt"
	"slices"

	"github.com/thaw-go/thaw/stream"
)

// tagsRead asks for tags in every way, of history and of what is new.
func tagsRead(s *subject) {
	var all []stream.Record
	for i := range 300 {
		var tags []string
		for j, tag := range []string{"a", "b", "c/d", "é"} {
			if i%(j+2) == 0 {
				tags = append(tags, tag)
			}
		}
		all = append(all, s.append([]stream.ID{ann, bob, lot}[i%3], tagged(record([]string{"A", "B"}[i%5%2], fmt.Sprint(i)), tags...))...)
	}
	for _, match := range [][]stream.Match{
		{{Tags: []string{"a"}}},
		{{Tags: []string{"a", "b"}}},
		{{Tags: []string{"b", "a", "c/d"}}},
		{{Tags: []string{"c/d"}, Topic: "lots"}},
		{{Tags: []string{"b"}, Topic: "users", Key: "bob"}, {Tags: []string{"é"}, Types: []string{"B"}}},
		{{Tags: []string{"never"}}},
		{{Tags: []string{"never"}}, {Tags: []string{"c/d", "é"}}},
	} {
		for _, q := range []stream.Query{{}, {From: at(100)}, {To: at(200)}, {From: at(17), To: at(18)}, {From: at(151), To: at(299)}} {
			q.Match = match
			want := slices.DeleteFunc(slices.Clone(all), func(r stream.Record) bool {
				within := at(int(r.Position)-1).Reached(q.From) && (q.To.IsZero() || q.To.Reached(at(int(r.Position))))
				return !within || !q.Accepts(r.Stream.Topic, r.Stream.Key, r.Type, r.Tags)
			})
			p := s.read(q)
			s.sameRecords(fmt.Sprintf("what is read of %+v", q), p.records, want)
			if q.To.IsZero() {
				s.same("the last mark", p.last().At, at(len(all)))
			}
		}
	}
	s.tagsFollowed(len(all))
}

// tagsFollowed follows a tag that none of history carries.
func (s *subject) tagsFollowed(head int) {
	s.t.Helper()
	q := stream.Query{Match: []stream.Match{{Tags: []string{"new"}}}}
	step := 0
	p, err := s.follow(s.ctx, q, func(p *tape) bool {
		if p.last().Live && p.last().At.Reached(at(head+step)) {
			switch step++; step {
			case 1, 3:
				s.append(ann, tagged(record("A", "old"), "old"))
			case 2:
				s.append(ann, tagged(record("A", "new"), "new", "old"))
			}
		}
		return step == 4
	})
	s.must(err, "following a tag")
	s.same("what a follower of a tag got", p.positions(), []stream.Position{stream.Position(head + 2)})
}

// headersKept asks for what a topic and a repository say of an event.
func headersKept(s *subject) {
	r := tagged(record("A", "1"), "a", "b/c", "é")
	r.Depth, r.Remember, r.Command = 7, 3600, stream.NewID()
	s.append(bob, record("A", "0"))
	got := s.append(ann, r)
	for _, c := range [][]stream.Record{got, s.read(stream.Query{From: at(1)}).records, s.read(stream.Query{Match: instance(ann)}).records} {
		if len(c) != 1 {
			s.broken("got %d events, want 1", len(c))
		}
		s.same("tags", c[0].Tags, r.Tags)
		s.same("depth", c[0].Depth, r.Depth)
		s.same("how long the command is remembered", c[0].Remember, r.Remember)
	}
}
