package main

import (
	"context"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// redraw is how often the progress bar is drawn at most.
const redraw = 65 * time.Millisecond

// screen is the terminal with its progress bar. Without a terminal there is no bar
// and all its methods do nothing.
type screen struct {
	mu    sync.Mutex
	bar   *progressbar.ProgressBar // nil: none
	drawn time.Time
	added int64 // since then
	done  int64 // bytes hashed
	total int64 // bytes known of; more than done, since a full bar goes away for good
}

// newScreen shows a bar if stderr is a terminal.
func newScreen(stderr io.Writer) *screen {
	if !isTerminal(stderr) {
		return &screen{}
	}
	return &screen{total: 1, bar: progressbar.NewOptions64(1,
		progressbar.OptionSetWriter(stderr),
		progressbar.OptionSetDescription("hashing"),
		progressbar.OptionShowBytes(true),
		progressbar.OptionShowCount(),
		progressbar.OptionSetWidth(30),
		progressbar.OptionUseANSICodes(true),
		progressbar.OptionClearOnFinish(),
	)}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// survey walks ahead of the work, to tell the bar how much there is.
func (s *screen) survey(ctx context.Context, paths []string) {
	if s.bar == nil {
		return
	}
	for name, err := range walk(paths) {
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			continue // the work itself will say so
		}
		if info, err := os.Lstat(name); err == nil {
			s.mu.Lock()
			s.total += info.Size()
			s.mu.Unlock()
		}
	}
}

// advance moves the bar by n bytes.
func (s *screen) advance(n int) {
	if s.bar == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.added += int64(n)
	if time.Since(s.drawn) >= redraw {
		s.drawLocked()
	}
}

func (s *screen) drawLocked() {
	s.done += s.added
	s.bar.ChangeMax64(max(s.total, s.done+1))
	_ = s.bar.Add64(s.added)
	s.added, s.drawn = 0, time.Now()
}

// above returns a writer for any goroutine, which puts what is written above the bar.
func (s *screen) above(w io.Writer) io.Writer {
	return aboveBar{screen: s, to: w, visible: s.bar != nil && isTerminal(w)}
}

type aboveBar struct {
	*screen
	to      io.Writer
	visible bool // on the terminal that has the bar
}

// Write implements io.Writer.
func (a aboveBar) Write(lines []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.visible {
		_ = a.bar.Clear()
		defer a.drawLocked()
	}
	return a.to.Write(lines)
}

// close takes the bar away.
func (s *screen) close() {
	if s.bar != nil {
		_ = s.bar.Clear()
	}
}
