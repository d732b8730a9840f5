package local

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
)

// A Process is a child: this program in another role.
type Process struct {
	cmd    *exec.Cmd
	stderr tail
	ended  chan struct{}
	err    error // written before ended is closed
}

// Spawn starts this program once more, in a role that it gives to [Main]. line, unless
// it is nil, is called with each line of the child's standard output, one after the
// other. The child is killed when this process ends, however it does; one that is
// frozen then, when it is thawed.
func Spawn(role, text string, line func(string)) (*Process, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &Process{cmd: exec.Command(path), ended: make(chan struct{})} //nolint:gosec,noctx // it is this very program, and Kill ends it
	p.cmd.Env = append(os.Environ(), roleVariable+"="+role, textVariable+"="+text)
	p.cmd.Stderr = &p.stderr
	if line != nil {
		p.cmd.Stdout = &lines{line: line}
	}
	if _, err := p.cmd.StdinPipe(); err != nil { // ends with this process
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", role, err)
	}
	go func() {
		defer close(p.ended)
		if err := p.cmd.Wait(); err != nil {
			p.err = fmt.Errorf("%s, process %d: %w", role, p.PID(), err)
		}
	}()
	return p, nil
}

// PID is the child's number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends the child a signal.
func (p *Process) Signal(signal os.Signal) error { return p.cmd.Process.Signal(signal) }

// Kill ends the child as kill -9 does, and returns when it is gone. It is no error if
// it was.
func (p *Process) Kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.ended
	return nil
}

// Done is closed when the child is gone and all that it has written has been read.
func (p *Process) Done() <-chan struct{} { return p.ended }

// Err says, once Done is closed, how the child has ended; nil: with status 0.
func (p *Process) Err() error {
	select {
	case <-p.ended:
		return p.err
	default:
		return nil
	}
}

// Stderr is the end of what the child has written to its standard error.
func (p *Process) Stderr() string { return p.stderr.String() }

// lines calls a function with each line that is written to it.
type lines struct {
	line func(string)
	rest []byte
}

func (l *lines) Write(data []byte) (int, error) {
	l.rest = append(l.rest, data...)
	for {
		line, rest, found := bytes.Cut(l.rest, []byte("\n"))
		if !found {
			return len(data), nil
		}
		l.line(string(line))
		l.rest = rest
	}
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	data []byte // guarded by mu
}

const maxTail = 64 << 10

func (t *tail) Write(data []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, data...)
	if len(t.data) > 2*maxTail {
		t.data = append(t.data[:0], t.data[len(t.data)-maxTail:]...)
	}
	return len(data), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.data[max(len(t.data)-maxTail, 0):])
}
