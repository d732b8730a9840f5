package engine

import (
	"strconv"
	"strings"
)

// Numerals writes numbers in decimal, many into one block of memory. The blocks grow with
// use. The zero value is ready. It is not safe for concurrent use.
type Numerals struct{ block strings.Builder }

// numeralBytes is the size of a block, after the first ones.
const numeralBytes, firstNumeralBytes = 2 << 10, 32

// Of returns the digits of a number. They keep their block alive.
func (n *Numerals) Of(number uint64) string {
	var buffer [20]byte
	digits := strconv.AppendUint(buffer[:0], number, 10)
	if n.block.Cap()-n.block.Len() < len(digits) {
		size := min(max(2*n.block.Cap(), firstNumeralBytes), numeralBytes)
		n.block.Reset() // leaves the old block to its digits
		n.block.Grow(size)
	}
	start := n.block.Len()
	n.block.Write(digits)
	return n.block.String()[start:]
}
