package main

import (
	"io/fs"
	"iter"
	"os"
)

// walk yields the names of the regular files below the paths, and an error for
// whatever it cannot look into. It holds one directory of each level at a time.
func walk(paths []string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, path := range paths {
			var more bool
			if info, err := os.Lstat(path); err != nil {
				more = yield(path, err)
			} else {
				more = visit(path, info.Mode().Type(), yield)
			}
			if !more {
				return
			}
		}
	}
}

func visit(path string, kind fs.FileMode, yield func(string, error) bool) (more bool) {
	switch {
	case kind.IsRegular():
		return yield(path, nil)
	case !kind.IsDir():
		return true
	}
	entries, err := os.ReadDir(path) // sorted; despite an error, those read before it
	for _, entry := range entries {
		if !visit(join(path, entry.Name()), entry.Type(), yield) {
			return false
		}
	}
	return err == nil || yield(path, err)
}

// join makes the name that find would: unlike filepath.Join, it keeps dir as the
// user wrote it.
func join(dir, name string) string {
	if os.IsPathSeparator(dir[len(dir)-1]) {
		return dir + name
	}
	return dir + string(os.PathSeparator) + name
}
