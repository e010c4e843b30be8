package lessons

import (
	"flag"
	"os"
	"testing"

	"github.com/thaw-go/thaw/testkit/marble"
)

var update = flag.Bool("update", false, "")

func updating() bool { return *update }

func keep(t *testing.T, name string, trace marble.Trace) {
	os.WriteFile("testdata/"+name+".marble", []byte(trace.Text()), 0o644)
	os.WriteFile("testdata/"+name+".svg", trace.SVG(), 0o644)
}
