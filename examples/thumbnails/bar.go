package main

import (
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// newBar returns a progress bar, which is visible if stderr is a terminal.
func newBar(stderr io.Writer, pictures int) *progressbar.ProgressBar {
	f, isFile := stderr.(*os.File)
	return progressbar.NewOptions(max(pictures, 1),
		progressbar.OptionSetWriter(stderr),
		progressbar.OptionSetVisibility(isFile && term.IsTerminal(int(f.Fd()))),
		progressbar.OptionSetDescription("thumbnails"),
		progressbar.OptionShowCount(),
		progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(50*time.Millisecond),
		progressbar.OptionUseANSICodes(true),
		progressbar.OptionClearOnFinish(),
	)
}

// quiet keeps the log of an actor system off the terminal.
func quiet(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }
