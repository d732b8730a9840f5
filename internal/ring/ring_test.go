package ring_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/internal/ring"
)

func TestARingHasTheLastElementsInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 10).Draw(t, "size")
		r := ring.New[int](size)
		var all []int
		for range rapid.IntRange(0, 40).Draw(t, "elements") {
			all = append(all, len(all))
			r.Add(all[len(all)-1])
			last := all[max(len(all)-size, 0):]
			if !assert.Equal(t, len(last), r.Len()) {
				return
			}
			for i, want := range last {
				assert.Equal(t, want, *r.At(i))
			}
		}
	})
}
