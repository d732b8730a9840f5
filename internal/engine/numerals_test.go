package engine

import (
	"math"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNumeralsStayAsTheyWereWritten(t *testing.T) {
	var n Numerals
	var numbers []uint64
	var texts []string
	for i := range 3 * numeralBytes {
		number := uint64(math.MaxUint64) >> (i % 64)
		numbers, texts = append(numbers, number), append(texts, n.Of(number))
	}
	for i, text := range texts {
		require.Equal(t, strconv.FormatUint(numbers[i], 10), text)
	}
}

func TestNumeralsShareAnAllocation(t *testing.T) {
	var n Numerals
	runs := 10 * numeralBytes
	assert.Less(t, testing.AllocsPerRun(runs, func() { n.Of(1_234_567) }), 0.05)
}
