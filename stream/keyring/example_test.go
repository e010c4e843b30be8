package keyring_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/keyring"
	"github.com/thaw-go/thaw/stream/memlog"
)

// A person moves, and is forgotten: the event stays, its address can not be read.
func Example() {
	type Moved struct {
		To stream.Sealed[string]
	}
	people := stream.NewTopic("people", stream.Catalogue[Moved]{"MOVED": {}})
	err := withKeys(func(ctx context.Context, keys stream.Keys) error {
		log := memlog.New()
		defer log.Close()

		event := Moved{stream.Seal("person/42", "1 Harbour Street")} // as a decider makes it
		if err := stream.CloseSealed(ctx, keys, event); err != nil { // as a repository does
			return err
		}
		record, err := people.Encode(event)
		if err != nil {
			return err
		}
		stored, err := log.Append(ctx, stream.ID{Topic: "people", Key: "42"}, stream.AnyVersion, record)
		if err != nil {
			return err
		}

		var read stream.Event[Moved]
		if err := people.Decode(&stored[0], &read); err != nil {
			return err
		}
		address, err := read.Data.To.Open(ctx, keys)
		fmt.Println(read.Data, "is", address, err)

		if err := keys.Forget(ctx, "person/42"); err != nil {
			return err
		}
		_, err = read.Data.To.Open(ctx, keys)
		fmt.Println(read.Data, "is forgotten:", errors.Is(err, stream.ErrForgotten))
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// {[sealed person/42]} is 1 Harbour Street <nil>
	// {[sealed person/42]} is forgotten: true
}

// A unique e-mail address needs a tag to look for, and a tag is clear text: it is made of
// the address with a secret of the application's own, which the keyring keeps as well.
// It is made where the command comes in, and travels in the payload.
func ExampleRing_Key_blindTag() {
	err := withKeys(func(ctx context.Context, keys stream.Keys) error {
		pepper, err := keys.Key(ctx, "pepper/email") // never forgotten
		if err != nil {
			return err
		}
		blind := func(address string) string {
			h := hmac.New(sha256.New, pepper)
			h.Write([]byte(strings.ToLower(address)))
			return "email:" + hex.EncodeToString(h.Sum(nil))
		}
		fmt.Println(blind("Ann@Home.example") == blind("ann@home.example"), blind("ann@home.example") == blind("ben@home.example"))
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output: true false
}

// withKeys opens a keyring in a directory of its own, and removes it.
func withKeys(use func(context.Context, stream.Keys) error) (err error) {
	dir, err := os.MkdirTemp("", "keys")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ring, err := keyring.Open(filepath.Join(dir, "ring"), keyring.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ring.Close()) }()
	return use(context.Background(), ring)
}
