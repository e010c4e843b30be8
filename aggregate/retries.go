package aggregate

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// retries says how often something is tried, and how long to wait in between.
type retries struct {
	attempts      int
	wait, maxWait time.Duration
}

func newRetries(attempts int, wait, maxWait time.Duration) retries {
	if attempts < 1 {
		attempts = 5
	}
	if wait <= 0 {
		wait = 100 * time.Millisecond
	}
	if maxWait <= 0 {
		maxWait = 10 * time.Second
	}
	return retries{attempts, wait, maxWait}
}

// do tries until it succeeds, fails so that it is not to be tried again, or has been
// tried often enough. It returns how often it tried and the last error, or ctx's.
func (p retries) do(ctx context.Context, r *Runner, try func() (again bool, err error)) (attempts int, err error) {
	policy := backoff.NewExponentialBackOff()
	policy.InitialInterval, policy.MaxInterval, policy.Multiplier = p.wait, p.maxWait, 2
	final := false
	var last error
	_, err = backoff.Retry(ctx, func() (struct{}, error) {
		attempts++
		again, err := try()
		if last = err; err == nil {
			return struct{}{}, nil
		}
		if final = !again; final {
			return struct{}{}, backoff.Permanent(err)
		}
		r.failed(ctx, err)
		return struct{}{}, err
	}, backoff.WithBackOff(policy), backoff.WithMaxTries(uint(p.attempts)), backoff.WithMaxElapsedTime(0))
	if final {
		return attempts, last
	}
	return attempts, err
}
