package main

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

var extensions = []string{".jpg", ".jpeg", ".png"}

// find returns the names of the pictures below root, relative to it, and what it could not
// look into. It skips the directory of the thumbnails. The error is that of root or ctx.
func find(ctx context.Context, root, thumbnails string) (pictures []string, failures []failure, err error) {
	skip, err := os.Stat(thumbnails)
	if err != nil {
		skip = nil // it is not there yet
	}
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil && path == root:
			return err
		}
		name, nameErr := filepath.Rel(root, path)
		switch {
		case nameErr != nil:
			return nameErr
		case err != nil:
			failures = append(failures, failure{name, err})
		case entry.IsDir():
			if info, err := entry.Info(); path != root && err == nil && os.SameFile(info, skip) {
				return fs.SkipDir
			}
		case entry.Type().IsRegular() && slices.Contains(extensions, strings.ToLower(filepath.Ext(name))):
			pictures = append(pictures, name)
		}
		return nil
	})
	return pictures, failures, err
}
