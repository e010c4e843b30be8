package purity

import (
	"go/types"
	"slices"
	"strings"
)

// roots are the first elements of the standard library's paths.
var roots = strings.Fields(`archive bufio builtin bytes cmp compress container context crypto database debug embed
	encoding errors expvar flag fmt go hash html image index internal io iter log maps math mime net os path plugin
	reflect regexp runtime slices sort strconv strings structs sync syscall testing text time unicode unique unsafe
	vendor weak cmd`)

// standard reports whether a package is of the standard library.
func standard(path string) bool {
	root, _, _ := strings.Cut(path, "/")
	return slices.Contains(roots, root)
}

// What of the standard library a pure function may not touch: whole packages, but for
// some names, or some names of a package. A method is named with its type.
var (
	wholly = map[string][]string{ // and what of them is harmless
		"context":             {"Canceled", "DeadlineExceeded"},
		"crypto/rand":         nil,
		"database/sql":        {"ErrNoRows", "ErrTxDone", "ErrConnDone"},
		"database/sql/driver": nil,
		"expvar":              nil,
		"flag":                nil,
		"hash/maphash":        nil,
		"io/ioutil":           nil,
		"log":                 nil,
		"log/slog":            nil,
		"math/rand":           {"New", "NewSource", "NewZipf", "Rand", "Zipf", "Source", "Source64"},
		"math/rand/v2":        {"New", "NewPCG", "NewChaCha8", "NewZipf", "Rand", "Zipf", "Source", "PCG", "ChaCha8"},
		"net":                 {"ParseIP", "ParseCIDR", "ParseMAC", "JoinHostPort", "SplitHostPort", "IPv4", "IPv4Mask", "CIDRMask", "IP", "IPMask", "IPNet", "HardwareAddr"},
		"net/http":            {"StatusText", "CanonicalHeaderKey", "Header"},
		"net/rpc":             nil,
		"net/smtp":            nil,
		"os":                  {"ErrNotExist", "ErrExist", "ErrInvalid", "ErrPermission", "ErrClosed", "IsNotExist", "IsExist", "Expand"},
		"os/exec":             nil,
		"os/signal":           nil,
		"os/user":             nil,
		"plugin":              nil,
		"runtime":             {"Error"},
		"runtime/debug":       nil,
		"sync/atomic":         nil,
		"syscall":             nil,
	}
	named = map[string][]string{
		"fmt":           {"Print", "Printf", "Println", "Fprint", "Fprintf", "Fprintln", "Scan", "Scanf", "Scanln", "Fscan", "Fscanf", "Fscanln"},
		"io":            {"Copy", "CopyN", "CopyBuffer", "ReadAll", "ReadFull", "ReadAtLeast", "WriteString", "Writer.Write", "Reader.Read", "ReaderAt.ReadAt", "WriterAt.WriteAt", "StringWriter.WriteString", "Closer.Close", "Seeker.Seek", "Pipe"},
		"io/fs":         {"ReadFile", "ReadDir", "Stat", "WalkDir", "Glob", "FS.Open", "File.Read", "File.Stat", "File.Close", "ReadFileFS.ReadFile", "ReadDirFS.ReadDir"},
		"path/filepath": {"Abs", "EvalSymlinks", "Glob", "Walk", "WalkDir"},
		"sync":          {"Mutex.Lock", "Mutex.TryLock", "RWMutex.Lock", "RWMutex.RLock", "RWMutex.TryLock", "RWMutex.TryRLock", "Cond.Wait", "WaitGroup.Wait", "WaitGroup.Go", "Once.Do", "Map.Load", "Map.Store", "Map.LoadOrStore", "Map.Range", "Map.Swap", "Map.Delete", "Pool.Get"},
		"time":          {"Now", "Since", "Until", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer", "Sleep", "LoadLocation", "Local", "Time.Local"},
	}
	ofThaw = map[string]string{ // not by what they do, but by what they say
		"stream.NewID":        "",
		"operators.Ask":       "",
		"operators.View.Read": "",
	}
)

// library reports whether a package is one that users of Thaw import.
func library(path string) bool {
	inside, ok := strings.CutPrefix(path, thaw)
	root, _, _ := strings.Cut(inside, "/")
	return ok && slices.Contains([]string{"aggregate", "operators", "replay", "stream", "testkit"}, root)
}

// refused is the name of something that no pure function may touch; empty if it may.
func refused(object types.Object) string {
	if object == nil || object.Pkg() == nil {
		return ""
	}
	name, owner := object.Name(), object.Name()
	if f, ok := object.(*types.Func); ok {
		if receiver := receiverOf(f); receiver != "" {
			name, owner = receiver+"."+name, receiver
		}
	} else if v, ok := object.(*types.Var); !ok || v.IsField() || v.Parent() != v.Pkg().Scope() {
		return ""
	}
	path := object.Pkg().Path()
	if strings.HasPrefix(path, thaw) {
		if _, ok := ofThaw[object.Pkg().Name()+"."+name]; ok {
			return called(object)
		}
		return ""
	}
	harmless, ok := wholly[path]
	if ok && !slices.Contains(harmless, owner) || slices.Contains(named[path], name) {
		return called(object)
	}
	return ""
}

// hides reports whether another module may well use it without anyone seeing: to keep
// what it has once computed.
func hides(f *types.Func) bool {
	path := f.Pkg().Path()
	return path == "sync" || path == "sync/atomic" || path == "hash/maphash" || path == "runtime"
}

// prints reports whether a function writes to its first argument.
func prints(f *types.Func) bool {
	if f.Pkg() == nil {
		return false
	}
	path := f.Pkg().Path()
	return path == "fmt" && strings.HasPrefix(f.Name(), "Fprint") || path == "io" && f.Name() == "WriteString"
}

// inMemory reports whether a writer keeps what is written.
func inMemory(t types.Type) bool {
	p, ok := t.(*types.Pointer)
	if !ok {
		return false
	}
	named, ok := types.Unalias(p.Elem()).(*types.Named)
	if !ok || named.Obj().Pkg() == nil {
		return false
	}
	name := named.Obj().Pkg().Path() + "." + named.Obj().Name()
	return name == "strings.Builder" || name == "bytes.Buffer" || name == "text/tabwriter.Writer"
}
