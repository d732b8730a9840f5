package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const root = "../.."

// readmeLimit is how many bytes README may have: a newcomer reads all of it.
const readmeLimit = 12_000

// sources are the files that have the Go code of the pages. Tests compile and run them.
var sources = []string{"internal/docs/examples_test.go", "jetstream/docs_test.go", "examples/hello/main.go", "troupetest/example_test.go"}

func TestReadmeIsShort(t *testing.T) {
	assert.LessOrEqual(t, len(read(t, "README.md")), readmeLimit)
}

// TestEveryGoBlockIsCompiledAndRun compares blocks with the sources, apart from indentation.
func TestEveryGoBlockIsCompiledAndRun(t *testing.T) {
	code := ""
	for _, source := range sources {
		code += "\n" + flat(read(t, source)) + "\n"
	}
	blocks := 0
	for _, page := range pages(t) {
		for _, block := range regexp.MustCompile("(?s)```go\n(.*?)\n *```").FindAllStringSubmatch(read(t, page), -1) {
			blocks++
			assert.Contains(t, code, "\n"+flat(block[1])+"\n", page)
		}
	}
	assert.Greater(t, blocks, 5)
}

func TestReadmeShowsWhatItsFirstExamplePrints(t *testing.T) {
	assert.Contains(t, read(t, "README.md"), "```\n"+read(t, "examples/testdata/hello.txt")+"```\n")
}

// TestEveryLinkLeadsSomewhere looks for the files and headings that pages link to, and for
// the tests that they name.
func TestEveryLinkLeadsSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	name := regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+`)
	tests := testNames(t)
	for _, page := range pages(t) {
		text := prose(read(t, page))
		for _, l := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(l[1], "://") {
				continue // another site's
			}
			path, heading, _ := strings.Cut(l[1], "#")
			target := page
			if path != "" {
				target = filepath.Join(filepath.Dir(page), path)
			}
			info, err := os.Stat(filepath.Join(root, target))
			if !assert.NoError(t, err, "%s links to %s", page, l[1]) || heading == "" {
				continue
			}
			if info.IsDir() {
				target = filepath.Join(target, "README.md")
			}
			assert.Contains(t, headings(read(t, target)), heading, "%s links to %s", page, l[1])
		}
		for _, test := range name.FindAllString(text, -1) {
			assert.True(t, tests[test], "%s names %s", page, test)
		}
	}
}

func TestMakeHelpListsEveryTarget(t *testing.T) {
	makefile := read(t, "Makefile")
	targets := regexp.MustCompile(`(?m)^\.PHONY: (.+)$`).FindStringSubmatch(makefile)
	require.NotEmpty(t, targets)
	for target := range strings.FieldsSeq(targets[1]) {
		assert.Regexp(t, `(?m)^`+target+`:.* ## .+$`, makefile, "a target and what it does")
	}
}

// pages returns all pages, by their paths in the repository.
func pages(t *testing.T) []string {
	t.Helper()
	var pages []string
	walk(t, func(path string) {
		if strings.HasSuffix(path, ".md") {
			pages = append(pages, path)
		}
	})
	require.Contains(t, pages, "README.md")
	return pages
}

// walk calls visit for each file of the repository, except those that tools keep.
func walk(t *testing.T, visit func(path string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "bin") {
			return fs.SkipDir
		}
		if !entry.IsDir() {
			relative, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			visit(relative)
		}
		return nil
	})
	require.NoError(t, err)
}

// headings returns the anchors of a page as GitHub makes them.
func headings(page string) []string {
	var anchors []string
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(prose(page), -1) {
		plain := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		anchors = append(anchors, strings.ReplaceAll(plain, " ", "-"))
	}
	return anchors
}

// prose removes blocks of code.
func prose(page string) string {
	return regexp.MustCompile("(?s)```.*?```").ReplaceAllString(page, "")
}

func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	declaration := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	walk(t, func(path string) {
		if strings.HasSuffix(path, "_test.go") {
			for _, name := range declaration.FindAllStringSubmatch(read(t, path), -1) {
				names[name[1]] = true
			}
		}
	})
	return names
}

// read returns a file of the repository.
func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	return string(content)
}

// flat removes the indentation of text.
func flat(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return strings.Join(lines, "\n")
}
