package value

import (
	"hash/maphash"
	"math"
	"reflect"
	"time"
)

var seed = maphash.MakeSeed()

// Hash is the same for values that are [Equal], and rarely the same for others.
func Hash(v any) uint64 {
	h := hasher{}
	h.hash.SetSeed(seed)
	if v != nil {
		h.add(reflect.ValueOf(v))
	}
	return h.hash.Sum64()
}

type hasher struct {
	hash maphash.Hash
	seen int // parts of the value
}

// most is how many parts of a value a hash looks at: cycles end somewhere.
const most = 256

var (
	timeType  = reflect.TypeFor[time.Time]()
	errorType = reflect.TypeFor[error]()
)

// add leaves out all that may differ in equal values.
func (h *hasher) add(v reflect.Value) {
	t := v.Type()
	if h.seen == 0 && !t.Implements(errorType) {
		h.hash.WriteString(t.String())
	}
	h.seen++
	if h.seen > most || decides(t) {
		return
	}
	switch t.Kind() {
	case reflect.Bool:
		h.number(map[bool]uint64{true: 1}[v.Bool()])
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		h.number(uint64(v.Int()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		h.number(v.Uint())
	case reflect.Float32, reflect.Float64:
		h.float(v.Float())
	case reflect.String:
		h.number(uint64(v.Len()))
		h.hash.WriteString(v.String())
	case reflect.Slice, reflect.Array:
		h.number(uint64(v.Len()))
		for i := 0; i < v.Len() && h.seen <= most; i++ {
			h.add(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			h.add(v.Field(i))
		}
	case reflect.Map:
		h.number(uint64(v.Len()))
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			h.number(0)
			return
		}
		h.add(v.Elem())
	}
}

// decides reports whether values of a type are compared by a method, or by what
// is known of the type.
func decides(t reflect.Type) bool {
	_, ok := t.MethodByName("Equal")
	_, ok2 := reflect.PointerTo(t).MethodByName("Equal")
	return ok || ok2 || t == timeType || t.Implements(errorType)
}

func (h *hasher) number(n uint64) {
	var b [8]byte
	for i := range b {
		b[i] = byte(n >> (8 * i))
	}
	h.hash.Write(b[:])
}

// float writes the same for 0 and -0, and for every NaN.
func (h *hasher) float(f float64) {
	switch {
	case f == 0:
		f = 0
	case math.IsNaN(f):
		f = math.NaN()
	}
	h.number(math.Float64bits(f))
}
