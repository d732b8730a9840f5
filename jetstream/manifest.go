package jetstream

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// A manifest says what the files of a directory were when its server had been shut
// down. The server itself cuts off a file where it cannot read it, and says nothing.
// So the files are compared before it sees them. There is none while a server runs, and
// so none after a process was killed: then the end of a file may be anything.
type manifest map[string]fileSum

// fileSum tells one content from another, unless somebody means to deceive.
type fileSum struct {
	Size int64  `json:"size"`
	CRC  uint32 `json:"crc"`
}

const manifestName = "manifest.json"

// takeManifest lists the files of the server.
func takeManifest(directory string) (manifest, error) {
	sums := make(manifest)
	table := crc32.MakeTable(crc32.Castagnoli)
	err := filepath.WalkDir(filepath.Join(directory, "jetstream"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(directory, path)
		if err != nil {
			return err
		}
		sum := crc32.New(table)
		size, err := readInto(sum, path)
		sums[name] = fileSum{size, sum.Sum32()}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return sums, nil
	}
	return sums, err
}

func readInto(w io.Writer, path string) (int64, error) {
	file, err := os.Open(path) //nolint:gosec // it was found in the directory
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }()
	return io.Copy(w, file)
}

// writeManifest says that the directory's files are as they should be.
func writeManifest(directory string) error {
	sums, err := takeManifest(directory)
	if err != nil {
		return err
	}
	data, err := json.Marshal(sums)
	if err != nil {
		return err
	}
	path := filepath.Join(directory, manifestName)
	if err := writeThrough(path+".new", data); err != nil {
		return err
	}
	return os.Rename(path+".new", path) // all of it or nothing
}

// writeThrough writes a file that is whole also after a loss of power.
func writeThrough(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // the user's directory
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Sync(), file.Close())
}

// checkManifest compares the files with the manifest, if there is one.
func checkManifest(directory string) error {
	data, err := os.ReadFile(filepath.Join(directory, manifestName)) //nolint:gosec // the user's directory
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var should manifest
	if err := json.Unmarshal(data, &should); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrStoreCorrupt, manifestName, err)
	}
	are, err := takeManifest(directory)
	if err != nil {
		return err
	}
	for name, sum := range should {
		switch is, ok := are[name]; {
		case !ok:
			return fmt.Errorf("%w: %s is missing", ErrStoreCorrupt, name)
		case is.Size != sum.Size:
			return fmt.Errorf("%w: %s has %d bytes, not the %d that were written", ErrStoreCorrupt, name, is.Size, sum.Size)
		case is != sum:
			return fmt.Errorf("%w: %s is not as it was written", ErrStoreCorrupt, name)
		}
	}
	return nil
}

// removeManifest says that a server is about to change the files.
func removeManifest(directory string) error {
	err := os.Remove(filepath.Join(directory, manifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
