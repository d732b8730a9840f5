package mailbox

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestMessagesLeaveInTheOrderTheyCame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var f FIFO
		model, next := []any{}, 0
		t.Repeat(map[string]func(*rapid.T){
			"push": func(*rapid.T) {
				f.Push(next)
				model = append(model, next)
				next++
			},
			"pop": func(t *rapid.T) {
				got, ok := f.Pop()
				require.Equal(t, len(model) > 0, ok)
				if ok {
					require.Equal(t, model[0], got)
					model = model[1:]
				}
			},
			"drop": func(t *rapid.T) {
				n := rapid.IntRange(1, 3).Draw(t, "n")
				unwanted := func(message any) bool { return message.(int)%n == 0 }
				f.Drop(unwanted)
				model = slices.DeleteFunc(slices.Clone(model), unwanted)
			},
			"": func(t *rapid.T) {
				require.Equal(t, len(model), f.Len())
				require.Equal(t, model, append([]any{}, f.Waiting()...))
			},
		})
	})
}

func TestAnEmptyFifoKeepsLittle(t *testing.T) {
	var f FIFO
	for i := range 1000 {
		f.Push(i)
	}
	for range 1000 {
		_, ok := f.Pop()
		require.True(t, ok)
	}
	assert.LessOrEqual(t, cap(f.list), 64)
	f.Push("one")
	f.Pop()
	room := cap(f.list)
	assert.NotZero(t, room, "a little is kept")
	assert.Nil(t, f.list[:1][0], "but no message")
}
