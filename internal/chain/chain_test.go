package chain_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/internal/chain"
)

func TestAgainstSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c chain.Chain[int]
		var links []*chain.Link[int] // the model
		var out []*chain.Link[int]   // removed, to be pushed again
		made := 0
		t.Repeat(map[string]func(*rapid.T){
			"push": func(*rapid.T) {
				l := &chain.Link[int]{Of: made}
				made++
				c.Push(l)
				links = append(links, l)
			},
			"remove": func(t *rapid.T) {
				if len(links) == 0 {
					t.Skip("nothing to remove")
				}
				i := rapid.IntRange(0, len(links)-1).Draw(t, "which")
				c.Remove(links[i])
				require.Nil(t, links[i].Next())
				out = append(out, links[i])
				links = slices.Delete(links, i, i+1)
			},
			"push again": func(t *rapid.T) {
				if len(out) == 0 {
					t.Skip("nothing to push again")
				}
				l := out[len(out)-1]
				out = out[:len(out)-1]
				c.Push(l)
				links = append(links, l)
			},
			"": func(t *rapid.T) {
				require.Equal(t, len(links), c.Len())
				got := links[:0:0]
				for l := c.First(); l != nil; l = l.Next() {
					got = append(got, l)
				}
				require.Equal(t, links, got, "in order")
				if len(links) > 0 {
					require.Same(t, links[len(links)-1], c.Last())
				} else {
					require.Nil(t, c.Last())
				}
			},
		})
	})
}
