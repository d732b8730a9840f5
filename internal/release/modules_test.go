package release_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

const (
	version = "v0.1.0"
	path    = "github.com/troupe-go/troupe"
	root    = "../.."
)

// released has the modules that users require, and their directories.
var released = map[string]string{
	path:                root,
	path + "/jetstream": filepath.Join(root, "jetstream"),
}

// full says that tests run at full size, as .ci/run has them.
var full = os.Getenv("TROUPE_FULL") != ""

func TestAProgramOutsideTheTreeUsesTheModulesByVersion(t *testing.T) {
	dir := t.TempDir()
	proxy, cache := filepath.Join(dir, "proxy"), filepath.Join(dir, "cache")
	for path, from := range released {
		publish(t, proxy, path, from)
	}
	consumer := filepath.Join(dir, "consumer")
	require.NoError(t, os.Mkdir(consumer, 0o755))
	copyFile(t, "testdata/consumer.go.txt", filepath.Join(consumer, "main.go"))
	requires := ""
	for _, path := range slices.Sorted(maps.Keys(released)) {
		requires += fmt.Sprintf("require %s %s\n", path, version)
	}
	goMod := "module example.com/consumer\n\ngo 1.26.0\n\n" + requires
	require.NoError(t, os.WriteFile(filepath.Join(consumer, "go.mod"), []byte(goMod), 0o644))

	// What others have published comes from the cache of this machine, so no network is
	// needed once the machine has it. The cache of the test is another one: that of the
	// machine must not keep these contents as version v0.1.0.
	for _, from := range released {
		goOutput(t, from, []string{"GOWORK=off"}, "list", "-deps", "./...")
	}
	downloaded := filepath.Join(goOutput(t, root, nil, "env", "GOMODCACHE"), "cache", "download")
	env := []string{
		"GOWORK=off", "GOFLAGS=-mod=mod -modcacherw", "GOMODCACHE=" + cache,
		"GOPROXY=file://" + proxy + ",file://" + downloaded, "GOSUMDB=off", "GOPRIVATE=", "GONOPROXY=none",
	}
	modules := goOutput(t, consumer, env, "list", "-deps", "-f", "{{with .Module}}{{.Path}} {{.Version}} {{.Dir}}{{end}}", ".")
	for path := range released {
		assert.Contains(t, modules, path+" "+version+" "+cache)
	}
	if !full {
		t.Log("TROUPE_FULL is not set: the program is not built")
		return
	}
	output := goOutput(t, consumer, env, "run", "-trimpath", ".", filepath.Join(dir, "store"))
	assert.Equal(t, "hello\ntroupe_tasks_submitted_total 1", output)
}

// publish writes a module into a proxy's directory.
func publish(t *testing.T, proxy, path, from string) {
	t.Helper()
	escaped, err := module.EscapePath(path)
	require.NoError(t, err)
	dir := filepath.Join(proxy, filepath.FromSlash(escaped), "@v")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "list"), []byte(version+"\n"), 0o644))
	info, err := json.Marshal(map[string]any{"Version": version, "Time": time.Unix(0, 0).UTC()})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, version+".info"), info, 0o644))
	copyFile(t, filepath.Join(from, "go.mod"), filepath.Join(dir, version+".mod"))
	archive, err := os.Create(filepath.Join(dir, version+".zip"))
	require.NoError(t, err)
	require.NoError(t, zip.CreateFromDir(archive, module.Version{Path: path, Version: version}, from))
	require.NoError(t, archive.Close())
}

func TestNoModuleImportsAnInternalPackageOfAnother(t *testing.T) {
	for _, dir := range nested(t) {
		imports := goOutput(t, dir, nil, "list", "-f",
			`{{range .Imports}}{{$.ImportPath}} {{.}}{{"\n"}}{{end}}{{range .TestImports}}{{$.ImportPath}} {{.}}{{"\n"}}{{end}}`+
				`{{range .XTestImports}}{{$.ImportPath}} {{.}}{{"\n"}}{{end}}`, "./...")
		own := modulePath(t, dir)
		for line := range strings.Lines(imports) {
			if imported := strings.Fields(line); len(imported) == 2 && strings.HasPrefix(imported[1], path) {
				if owner, _, internal := strings.Cut(imported[1], "/internal/"); internal {
					assert.True(t, owner == own || strings.HasPrefix(owner, own+"/"), line)
				}
			}
		}
	}
}

func TestModulesRequireOneVersionOfEachOther(t *testing.T) {
	for _, dir := range nested(t) {
		file := parse(t, dir)
		replaced := make(map[string]bool)
		for _, r := range file.Replace {
			replaced[r.Old.Path] = true
		}
		for _, r := range file.Require {
			if r.Mod.Path == path || strings.HasPrefix(r.Mod.Path, path+"/") {
				assert.Equal(t, version, r.Mod.Version, "%s requires %s", dir, r.Mod.Path)
				assert.True(t, replaced[r.Mod.Path], "%s replaces %s for work inside the tree", dir, r.Mod.Path)
			}
		}
	}
}

func TestTheChangelogHasASectionForTheVersion(t *testing.T) {
	changelog, err := os.ReadFile(filepath.Join(root, "CHANGELOG.md"))
	require.NoError(t, err)
	assert.Contains(t, string(changelog), "\n## ["+strings.TrimPrefix(version, "v")+"]")
}

// nested returns the directories of all modules but the root's.
func nested(t *testing.T) []string {
	t.Helper()
	work, err := os.ReadFile(filepath.Join(root, "go.work"))
	require.NoError(t, err)
	file, err := modfile.ParseWork("go.work", work, nil)
	require.NoError(t, err)
	var dirs []string
	for _, use := range file.Use {
		if use.Path != "." {
			dirs = append(dirs, filepath.Join(root, filepath.FromSlash(use.Path)))
		}
	}
	require.NotEmpty(t, dirs)
	return dirs
}

func parse(t *testing.T, dir string) *modfile.File {
	t.Helper()
	name := filepath.Join(dir, "go.mod")
	content, err := os.ReadFile(name)
	require.NoError(t, err)
	file, err := modfile.Parse(name, content, nil)
	require.NoError(t, err)
	return file
}

func modulePath(t *testing.T, dir string) string {
	t.Helper()
	return parse(t, dir).Module.Mod.Path
}

// commandLimit is enough to build the server of NATS on a busy machine.
const commandLimit = 8 * time.Minute

// goOutput runs the go command and returns what it prints.
func goOutput(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	require.NoError(t, err, "go %s: %s", strings.Join(args, " "), &stderr)
	return strings.TrimSpace(string(output))
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, content, 0o644))
}
