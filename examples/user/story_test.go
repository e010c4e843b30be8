package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// processDir, in the environment, makes the test binary one process in the life
// of a log: what it is to do stands in processTask.
const (
	processDir  = "THAW_TEST_USER_DIR"
	processTask = "THAW_TEST_USER_TASK"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(processDir); dir != "" {
		if err := process(dir, os.Getenv(processTask)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func TestTheStoryIsToldAsInTheReadme(t *testing.T) {
	var out bytes.Buffer
	if err := story(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	want := `Before the mailer exists:
  1 users/ann NAME_SET {Ann}
  2 users/ann EMAIL_SET {ann@old.example}
The mailer comes online:
  is ann@old.example in use? true
  3 users/ann EMAIL_SET {ann@new.example}
  mail to ann@new.example
  4 users/bob EMAIL_SET {bob@new.example}
  mail to bob@new.example
  ann: main.SetEmail{Email:"ann@old.example"} refused: cannot reuse a previous e-mail
  bob: main.SetEmail{Email:"ann@old.example"} refused: another user has had this e-mail
  is ann@old.example in use? false
While the mailer is down:
  5 users/bob EMAIL_SET {bob@newer.example}
The mailer is back:
  mail to bob@newer.example
  6 users/bob NAME_SET {Bob}
`
	// The mailer speaks on its own goroutine, beside the story's line for the same
	// event: which of the two comes first is open.
	if diff := cmp.Diff(lines(want), lines(out.String())); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// lines are a text's lines with each pair of an event and its mail in one order.
func lines(text string) []string {
	list := strings.Split(text, "\n")
	for i := 1; i < len(list); i++ {
		to, mailed := strings.CutPrefix(list[i-1], "  mail to ")
		if mailed && strings.HasSuffix(list[i], "EMAIL_SET {"+to+"}") {
			list[i-1], list[i] = list[i], list[i-1]
		}
	}
	return list
}

// process does one task on the log in dir, as a process of its own: "set MAIL…"
// appends, "mail" runs the mailer over what is there for it and prints what it
// mails, "mail and crash" exits right after the first mail, without closing, and
// "come online and crash" as soon as the mailer is online.
func process(dir, task string) (err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	log, err := badgerlog.Open(dir, badgerlog.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	if mails, ok := strings.CutPrefix(task, "set "); ok {
		users := aggregate.NewRepository(log, User)
		for mail := range strings.FieldsSeq(mails) {
			if _, err := users.Execute(ctx, "ann", SetEmail{mail}); err != nil {
				return err
			}
		}
		return nil
	}
	mailer := NewMailer(log, func(_ context.Context, to string, _ stream.EventID) error {
		fmt.Println(to)
		if task == "mail and crash" {
			os.Exit(0)
		}
		return nil
	})
	ended := make(chan error, 1)
	go func() { ended <- mailer.Run(ctx) }()
	head, err := log.Head(ctx)
	if err == nil {
		err = mailer.Online(ctx)
	}
	if task == "come online and crash" {
		os.Exit(0)
	}
	if err == nil {
		err = mailer.WaitFor(ctx, head)
	}
	cancel()
	return errors.Join(err, unlessCanceled(<-ended))
}

func run(t *testing.T, dir, task string) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), processDir+"="+dir, processTask+"="+task)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", task, err, stderr.String())
	}
	return strings.Fields(string(out))
}

// Guarantee 6, across processes: a hot consumer gets nothing from before it was
// born, and loses nothing while it is down.
// Breaks when: replay.Hot does not save the head at birth (r.save), so that each
// process begins at its own head; or begins at zero instead of the head.
func TestTheMailerMailsEveryEmailSetAfterItsBirthAcrossProcesses(t *testing.T) {
	dir := t.TempDir()
	steps := []struct {
		task string
		want []string
	}{
		{task: "set one@example two@example"},
		{task: "come online and crash"}, // born: what came before is history
		{task: "set three@example four@example"},
		{task: "mail", want: []string{"three@example", "four@example"}},
		{task: "mail"},
		{task: "set five@example six@example"},
		{task: "mail and crash", want: []string{"five@example"}},
		{task: "mail", want: []string{"five@example", "six@example"}}, // the one in flight again, and nothing else
		{task: "mail"},
	}
	for i, s := range steps {
		if diff := cmp.Diff(s.want, run(t, dir, s.task), cmpEmpty); diff != "" {
			t.Errorf("step %d, %s: (-want +got)\n%s", i+1, s.task, diff)
		}
	}
}

var cmpEmpty = cmp.FilterValues(func(a, b []string) bool { return len(a) == 0 && len(b) == 0 }, cmp.Ignore())

// TestTheViewAnswersFromHistoryAndLive also compares with a fold over history,
// which is what guarantee 8 promises.
func TestTheViewAnswersFromHistoryAndLive(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	log, err := badgerlog.Open(t.TempDir(), badgerlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	users := aggregate.NewRepository(log, User)
	set := func(key, mail string) stream.Cursor {
		t.Helper()
		result, err := users.Execute(ctx, key, SetEmail{mail})
		if err != nil {
			t.Fatal(err)
		}
		return result.Cursor
	}
	set("ann", "old@example")
	emails := NewEmails()
	ended := make(chan error, 1)
	go func() { ended <- emails.Run(ctx, replay.ColdHot(log, Users)) }()
	if err := emails.CaughtUp(ctx); err != nil {
		t.Fatal(err)
	}
	if !IsInUse(emails, "old@example") {
		t.Error("history said that old@example is in use, the view does not")
	}
	if err := emails.WaitFor(ctx, set("ann", "new@example")); err != nil {
		t.Fatal(err)
	}
	if IsInUse(emails, "old@example") || !IsInUse(emails, "new@example") {
		t.Error("the view has not followed a live change")
	}
	folded, err := emails.Fold(ctx, replay.Cold(log, Users))
	if err != nil {
		t.Fatal(err)
	}
	emails.Read(func(live InUse) {
		if diff := cmp.Diff(folded, live, cmp.AllowUnexported(InUse{})); diff != "" {
			t.Errorf("replayed and live differ (-replayed +live)\n%s", diff)
		}
	})
	then, err := emails.Fold(ctx, replay.Cold(log, Users, replay.UpTo(stream.At(1))))
	if err != nil || then.users["old@example"] != 1 {
		t.Errorf("as of position 1 the e-mails were %v: %v", then.users, err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
}
