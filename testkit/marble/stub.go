package marble

// SVG is the trace as a picture.
func (t Trace) SVG() []byte { panic("todo") }

// JSON is the trace as data.
func (t Trace) JSON() ([]byte, error) { panic("todo") }
