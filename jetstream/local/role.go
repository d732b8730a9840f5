package local

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// A Role is what a child does. Its context ends when it is told to stop, by SIGTERM or
// an interrupt. The text is what it was started with. The child exits when it returns:
// with status 1 if there is an error, which is on its standard error then.
type Role func(ctx context.Context, text string) error

// What a child is told by its environment.
const (
	roleVariable = "TROUPE_LOCAL_ROLE"
	textVariable = "TROUPE_LOCAL_TEXT"
)

// serverRole is that of a server.
const serverRole = "troupe-server"

// Main plays the role that this process was started for, and then ends it. It returns
// at once if the process is nobody's child. roles are those of the program itself, by
// name.
func Main(roles map[string]Role) {
	name, child := os.LookupEnv(roleVariable)
	if !child {
		return
	}
	go func() { // what is written to it there is nothing, but it ends
		_, _ = io.Copy(io.Discard, os.Stdin)
		fmt.Fprintln(os.Stderr, "the parent is gone")
		os.Exit(1) //nolint:forbidigo // this is a program of its own
	}()
	if err := play(roles, name, os.Getenv(textVariable)); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1) //nolint:forbidigo // this is a program of its own
	}
	os.Exit(0) //nolint:forbidigo // this is a program of its own
}

func play(roles map[string]Role, name, text string) error {
	role := roles[name]
	if name == serverRole {
		role = serve
	}
	if role == nil {
		return fmt.Errorf("no role %q", name)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return role(ctx, text)
}
