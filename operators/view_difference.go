package operators

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// difference says in words what the first difference of two encoded states is: where
// in the JSON, or at which byte.
func difference(live, replayed []byte) string {
	var a, b any
	if json.Unmarshal(live, &a) == nil && json.Unmarshal(replayed, &b) == nil {
		if text := differ("the state", a, b); text != "" {
			return text
		}
	}
	at := 0
	for at < min(len(live), len(replayed)) && live[at] == replayed[at] {
		at++
	}
	return fmt.Sprintf("the encoded states, live of %d bytes and replayed of %d, differ from byte %d on", len(live), len(replayed), at)
}

func differ(path string, live, replayed any) string {
	if reflect.DeepEqual(live, replayed) {
		return ""
	}
	switch a := live.(type) {
	case map[string]any:
		if b, ok := replayed.(map[string]any); ok {
			return differInKeys(path, a, b)
		}
	case []any:
		if b, ok := replayed.([]any); ok {
			for i := range min(len(a), len(b)) {
				if text := differ(fmt.Sprintf("%s[%d]", path, i), a[i], b[i]); text != "" {
					return text
				}
			}
			return fmt.Sprintf("%s has %d elements live and %d replayed", path, len(a), len(b))
		}
	}
	return fmt.Sprintf("%s is %s live and %s replayed", path, short(live), short(replayed))
}

func differInKeys(path string, live, replayed map[string]any) string {
	keys := maps.Clone(live)
	maps.Copy(keys, replayed)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		a, inLive := live[key]
		b, inReplayed := replayed[key]
		at := fmt.Sprintf("%s[%.80q]", path, key)
		switch {
		case !inReplayed:
			return at + " is " + short(a) + " live and missing replayed"
		case !inLive:
			return at + " is missing live and " + short(b) + " replayed"
		}
		if text := differ(at, a, b); text != "" {
			return text
		}
	}
	return ""
}

func short(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(err)
	}
	return fmt.Sprintf("%.100s", text)
}
