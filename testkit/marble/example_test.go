package marble_test

import (
	"fmt"
	"time"

	"github.com/thaw-go/thaw/testkit/marble"
)

func ExampleParse() {
	lane, err := marble.Parse("ab ^ - c - [de] - |", time.Millisecond)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range lane.Points {
		fmt.Print(p.At, p.Name, " ")
	}
	fmt.Println("until", lane.End)

	_, err = marble.Parse("ab ^ - c | d", time.Millisecond)
	fmt.Println(err)
	// Output:
	// -2msa -1msb 0s 2msc 4msd 4mse 6ms until 7ms
	// marble: column 12: after '|': nothing may follow it but time, a % or a ^
	//   ab ^ - c | d
	//              ^
}

// The log delivers d and e together; the subscriber sees only d.
func ExampleReport() {
	var names marble.Names
	lane := func(name, text string) marble.Lane {
		l, err := marble.Parse(text, time.Millisecond)
		if err != nil {
			fmt.Println(err)
		}
		l.Name = name
		for i, p := range l.Points {
			if p.Kind == marble.Event {
				l.Points[i].Value = "mail to " + p.Name
				names.Set(p.Name, l.Points[i].Value, "MAIL_SENT "+p.Name)
			}
		}
		return l
	}
	log := lane("log", "ab ^ - c - [de] - |")
	want := lane("cold+hot", "(ab~) - c - [de] - |")
	got := lane("", "(ab~) - c - d --|")

	differences := marble.Compare(want, got)
	fmt.Println(marble.Report(time.Millisecond, []marble.Lane{log}, want, got, differences, names.Legend()...))
	// Output:
	// cold+hot: tick 4 (+4ms): e was never delivered
	//   log   a b ^     - c - [de] - |
	//   want      (ab~) - c - [de] - |
	//   got       (ab~) - c - d    - - |
	//                         ^
	//   tick 6 (+6ms): completed at +7ms, 1ms late: wanted at +6ms
	//   a  MAIL_SENT a
	//   b  MAIL_SENT b
	//   c  MAIL_SENT c
	//   d  MAIL_SENT d
	//   e  MAIL_SENT e
}

func ExampleTrace_Text() {
	var trace marble.Trace
	for _, l := range [][2]string{
		{"log", "^ a b c 1h - d |"},
		{"sub", "^ - * - 1h % ^ !"},
		{"out", "- a b c 1h c' d |"},
	} {
		lane, err := marble.Parse(l[1], time.Millisecond)
		if err != nil {
			fmt.Println(err)
		}
		lane.Name = l[0]
		trace.Lanes = append(trace.Lanes, lane)
	}
	trace.Names = []marble.Name{{Letter: "c", Text: `MAIL_SENT {"To":"ann"}`}}
	fmt.Print(trace.Text())
	// Output:
	//   log  ^ a b c 1h -  d |
	//   sub  ^ - * - 1h %  ^ !
	//   out  - a b c 1h c' d |
	//
	//   c  MAIL_SENT {"To":"ann"}
}

func ExampleNames() {
	var names marble.Names
	for _, mail := range []string{"to ann", "to bob", "to ann"} {
		fmt.Print(names.Of(mail, "MAIL "+mail), " ")
	}
	fmt.Println(names.Legend())
	// Output: a b a [{a MAIL to ann} {b MAIL to bob}]
}
