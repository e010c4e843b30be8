package badgerlog

import (
	"fmt"
	"strings"
	"sync/atomic"
)

// lostSync keeps the first failure to sync the value log, which the database only
// logs. It does so before the transaction that wrote there is committed, so
// Log.commit, which asks afterwards, never takes a commit for durable that is not.
type lostSync struct{ first atomic.Pointer[error] }

// lostSyncFormat is how the database's message begins.
const lostSyncFormat = "Error while curlf sync"

// hear is told of every error that the database logs.
func (s *lostSync) hear(format string, args []any) {
	if !strings.HasPrefix(format, lostSyncFormat) {
		return
	}
	err := fmt.Errorf("sync the value log: %s", strings.TrimSpace(fmt.Sprintf(format, args...)))
	s.first.CompareAndSwap(nil, &err)
}

// failure is the first failure; nil if there was none.
func (s *lostSync) failure() error {
	if err := s.first.Load(); err != nil {
		return *err
	}
	return nil
}
