package nocompile

import (
	"strings"
	"testing"
)

func TestCompile(t *testing.T) {
	got, err := Compile(t.TempDir(), map[string]string{
		"sound":  "package snippet\n\nvar _ = 1\n",
		"broken": "package snippet\n\nvar _ int = \"one\"\n",
		"twice":  "package snippet\n\nvar _ int = \"one\"\n\nvar _ string = 2\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Run("sound code says nothing", func(t *testing.T) {
		if got["sound"] != "" {
			t.Errorf("got %q, want nothing", got["sound"])
		}
	})
	t.Run("a mistake is told, and where", func(t *testing.T) {
		if !strings.Contains(got["broken"], "snippet.go:3") && !strings.Contains(got["broken"], "broken.go:3") {
			t.Errorf("got %q, want line 3 named", got["broken"])
		}
	})
	t.Run("every mistake is told", func(t *testing.T) {
		if n := strings.Count(got["twice"], "cannot use"); n != 2 {
			t.Errorf("got %d messages in %q, want 2", n, got["twice"])
		}
	})
}

func TestJudge(t *testing.T) {
	c := Case{Message: []string{"cannot use", "as int value"}}
	for _, j := range []struct {
		claim, wrong, right string
		c                   Case
		want                string // "": the case holds
	}{
		{"the right message holds, however it is broken into lines", "cannot  use x\n\tas int value", "", c, ""},
		{"a mistake that compiles does not", "", "", c, "compiles, but must not"},
		{"another message does not", "undefined: x", "", c, "does not say"},
		{"half a message does not", "cannot use x", "", c, "does not say"},
		{"a broken control does not", "cannot use x as int value", "undefined: y", c, "proves nothing"},
		{"a case without a message does not", "cannot use x", "", Case{}, "no message is expected"},
	} {
		t.Run(j.claim, func(t *testing.T) {
			err := j.c.judge(j.wrong, j.right)
			switch {
			case j.want == "" && err != nil:
				t.Errorf("got %v, want no complaint", err)
			case j.want != "" && (err == nil || !strings.Contains(err.Error(), j.want)):
				t.Errorf("got %v, want a complaint with %q", err, j.want)
			}
		})
	}
}
