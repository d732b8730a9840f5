package jetstream

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
)

// serverLog passes a server's warnings on, and keeps what a start fails for, which
// the server says nowhere else.
type serverLog struct {
	logger *slog.Logger

	mu      sync.Mutex
	died    error // guarded by mu; of the first Fatalf
	warning error // guarded by mu; the first one
}

func (l *serverLog) fatal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.died
}

// first is the first warning, nil if there was none.
func (l *serverLog) first() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.warning
}

// Fatalf keeps the server from ending the program.
func (l *serverLog) Fatalf(format string, args ...any) {
	text := text(format, args)
	l.mu.Lock()
	if l.died == nil {
		l.died = errors.New(text)
	}
	l.mu.Unlock()
	l.logger.Error(text)
}

func (l *serverLog) Errorf(format string, args ...any) {
	l.keep(format, args)
	l.logger.Error(text(format, args))
}

func (l *serverLog) Warnf(format string, args ...any) {
	l.keep(format, args)
	l.logger.Warn(text(format, args))
}

func (*serverLog) Noticef(string, ...any) {}
func (*serverLog) Debugf(string, ...any)  {}
func (*serverLog) Tracef(string, ...any)  {}

func (l *serverLog) keep(format string, args []any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.warning == nil {
		l.warning = errors.New(text(format, args))
	}
}

func text(format string, args []any) string {
	return "store: " + strings.TrimSpace(fmt.Sprintf(format, args...))
}
