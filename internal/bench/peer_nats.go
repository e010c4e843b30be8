package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// natsStore is a NATS server inside this process, its JetStream in files, without
// a network. Commits of one event wait for the server's acknowledgement; larger
// ones are published without waiting, which is its fastest way, so they are no
// transaction and are compared where nothing is durable. SyncAlways is its only
// setting with which an acknowledged message survives loss of power, and syncs each
// message by itself: callers who come together share nothing.
type natsStore struct {
	server     *server.Server
	connection *nats.Conn
	stream     jetstream.JetStream
	events     *pool
}

const natsSubject = "events.order"

func openNATS(dir string, l load, events *pool) (store, error) {
	s, err := server.NewServer(&server.Options{
		JetStream: true, StoreDir: dir, SyncAlways: l.durable, JetStreamMaxMemory: 1 << 30, JetStreamMaxStore: 20 << 30,
		DontListen: true, NoLog: true, NoSigs: true,
	})
	if err != nil {
		return nil, fmt.Errorf("open nats: %w", err)
	}
	s.Start()
	n := &natsStore{server: s, events: events}
	if err := n.connect(); err != nil {
		return nil, errors.Join(fmt.Errorf("open nats: %w", err), n.close())
	}
	return n, nil
}

func (n *natsStore) connect() error {
	if !n.server.ReadyForConnections(10 * time.Second) {
		return errors.New("the server is not ready after 10 s")
	}
	var err error
	if n.connection, err = nats.Connect("", nats.InProcessServer(n.server)); err != nil {
		return err
	}
	if n.stream, err = jetstream.New(n.connection, jetstream.WithPublishAsyncMaxPending(4096)); err != nil {
		return err
	}
	_, err = n.stream.CreateStream(context.Background(), jetstream.StreamConfig{
		Name: "events", Subjects: []string{"events.>"}, Storage: jetstream.FileStorage,
	})
	return err
}

func (n *natsStore) put(first, count int) error {
	if count == 1 {
		_, err := n.stream.Publish(context.Background(), natsSubject, n.events.frame(first))
		return err
	}
	for i := first; i < first+count; i++ {
		if _, err := n.stream.PublishAsync(natsSubject, n.events.frame(i), jetstream.WithStallWait(10*time.Second)); err != nil {
			return err
		}
	}
	return nil
}

func (n *natsStore) flush() error {
	select {
	case <-n.stream.PublishAsyncComplete():
		return nil
	case <-time.After(time.Minute):
		return errors.New("nats: not all events were acknowledged within a minute")
	}
}

func (n *natsStore) close() error {
	if n.connection != nil {
		n.connection.Close()
	}
	n.server.Shutdown()
	n.server.WaitForShutdown()
	return nil
}
