package lessons

import (
	"testing"

	"github.com/thaw-go/thaw/testkit/marble"
)

func keep(t *testing.T, name string, trace marble.Trace) { t.Log("\n" + trace.Text()) }
