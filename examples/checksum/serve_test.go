package main

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/examples/internal/output"
)

func TestTheDashboardShowsThePoolWhileItWorks(t *testing.T) {
	inTree(t, "f")
	var stdout bytes.Buffer
	stderr := &output.Buffer{}
	seen := ""
	status := run(t.Context(), []string{"-dashboard", "localhost:0", "f"}, &stdout, stderr, func(name string) (io.ReadCloser, error) {
		url := regexp.MustCompile(`http://\S+`).FindString(stderr.String())
		response, err := http.Get(url + "workers?pool=checksum")
		require.NoError(t, err)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		seen = string(body)
		return openFile(name)
	})
	assert.Equal(t, ok, status, stderr.String())
	assert.Contains(t, seen, `"state":"busy"`)
	assert.Regexp(t, `^\w{64}  f\n$`, stdout.String())
}

func TestAnAddressThatCannotBeServedIsAnError(t *testing.T) {
	inTree(t, "f")
	got := checksum(t, "-dashboard", "localhost:99999", "f")
	assert.Equal(t, failed, got.status)
	assert.Contains(t, got.stderr, "checksum: no dashboard: listen tcp: address 99999")
	assert.Empty(t, got.stdout)
}
