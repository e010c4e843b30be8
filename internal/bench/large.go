package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// bigLog is the case that makes the large log, in bulk. The others leave it
// closed, and a little longer.
const bigLog = "large log, bulk load/thaw"

func bigCases() []benchmark {
	needs := []string{bigLog}
	return []benchmark{
		{name: bigLog, data: true, run: watched(loadBulk)},
		{name: "large log, idle/thaw", needs: needs, run: watched(idle)},
		{name: "large log, 64 callers/thaw", needs: needs, run: watched(writeLarge)},
		{name: "large log, open/closed", needs: needs, run: openLarge},
		{name: "large log, open/killed", needs: needs, run: openKilled},
	}
}

// watched looks again and again at how much of the memory is the process's own,
// and not a file's that is mapped into it, and notes the most.
func watched(run func(work) (metrics, error)) func(work) (metrics, error) {
	return func(w work) (metrics, error) {
		done, most := make(chan struct{}), make(chan float64)
		go func() { // ends when run has returned, and is waited for
			every := time.NewTicker(20 * time.Millisecond)
			defer every.Stop()
			peak := 0.0
			for {
				mb, _ := anonymousMemory()
				peak = max(peak, mb)
				select {
				case <-done:
					most <- peak
					return
				case <-every.C:
				}
			}
		}()
		m, err := run(w)
		close(done)
		if peak := <-most; err == nil && peak > 0 {
			m["MB anonymous"] = peak
		}
		return m, err
	}
}

// writerCase is a process that appends to the large log until it is killed.
const writerCase = "large log, writer"

func hiddenCases() []benchmark {
	return []benchmark{{name: writerCase, run: writeUntilKilled}}
}

// loadBulk makes the large log in batches of 1000, durable, and notes how much
// memory that has taken after a tenth.
func loadBulk(w work) (metrics, error) {
	l := thawLog.with(load{callers: 1, batch: 1000, durable: true})
	s, err := openThaw(w.dir, l, newPool(l.payload, l.streams))
	if err != nil {
		return nil, err
	}
	l.events = w.sizes.big / 10
	if _, err := drive(s, l, 0); err != nil {
		return nil, errors.Join(err, s.close())
	}
	tenth, _ := peakMemory()
	l.first, l.events = l.events, w.sizes.big-l.events
	r, err := drive(s, l, 0)
	if err = errors.Join(err, s.close()); err != nil {
		return nil, err
	}
	m := r.metrics(l)
	m["MB at a tenth"] = tenth
	return m, nil
}

// idle opens the large log and leaves it alone.
func idle(w work) (metrics, error) {
	log, err := openLog(w.data(bigLog), true)
	if err != nil {
		return nil, err
	}
	time.Sleep(w.sizes.live)
	mb, _ := memoryNow()
	return metrics{"MB": mb}, log.Close()
}

// callers64 is the load of those who go on writing to the large log.
func callers64(w work) load {
	l := thawLog.with(load{callers: 64, batch: 1, durable: true})
	l.first = w.sizes.big
	return l
}

// writeLarge appends to the large log as 64 callers.
func writeLarge(w work) (metrics, error) {
	l := callers64(w)
	s, err := openThaw(w.data(bigLog), l, newPool(l.payload, l.streams))
	if err != nil {
		return nil, err
	}
	r, err := drive(s, l, 2*w.sizes.append)
	if err = errors.Join(err, s.close()); err != nil {
		return nil, err
	}
	return r.metrics(l), nil
}

// openLarge measures how long it takes until the log is open and its head and a
// consumer's cursor are known, with nothing of it in the page cache.
func openLarge(w work) (metrics, error) {
	dir := w.data(bigLog)
	if err := forget(dir); err != nil {
		return nil, err
	}
	start := time.Now()
	log, err := openLog(dir, true)
	if err != nil {
		return nil, err
	}
	head, err := log.Head(context.Background())
	_, _, also := log.Cursor(context.Background(), "reader")
	took := time.Since(start)
	if err = errors.Join(err, also, log.Close()); err != nil {
		return nil, err
	}
	if int(head.Position(0)) < w.sizes.big {
		return nil, fmt.Errorf("bench: open the large log: expected at least %d events, its head is %s", w.sizes.big, head)
	}
	return metrics{"seconds": took.Seconds(), "events": float64(head.Position(0))}, nil
}

// openKilled kills a process that is appending to the large log, at no
// particular moment, and then does as openLarge.
func openKilled(w work) (metrics, error) {
	writer := w.child(writerCase)
	out, err := writer.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := writer.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err == nil {
		time.Sleep(rand.N(w.sizes.append))
	}
	if err = errors.Join(err, writer.Process.Kill()); err != nil {
		return nil, fmt.Errorf("bench: kill the writer, which said %q: %w", line, err)
	}
	if err := writer.Wait(); err == nil {
		return nil, errors.New("bench: kill the writer: it had already ended")
	}
	return openLarge(w)
}

// announced tells when it has committed the last of so many appends.
type announced struct {
	store
	left atomic.Int64
	say  func()
}

func (a *announced) put(first, n int) error {
	err := a.store.put(first, n)
	if err == nil && a.left.Add(-1) == 0 {
		a.say()
	}
	return err
}

func writeUntilKilled(w work) (metrics, error) {
	l := callers64(w)
	s, err := openThaw(w.data(bigLog), l, newPool(l.payload, l.streams))
	if err != nil {
		return nil, err
	}
	a := &announced{store: s, say: func() { fmt.Fprintln(w.out, "writing") }}
	a.left.Store(1000)
	_, err = drive(a, l, maxCase) // it is killed long before
	return nil, errors.Join(err, s.close(), errors.New("bench: nobody killed the writer"))
}
