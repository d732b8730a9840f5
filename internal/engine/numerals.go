package engine

import (
	"strconv"
	"strings"
)

// numerals writes numbers in decimal, many into one block of memory. The zero value is
// ready. It is not safe for concurrent use.
type numerals struct{ block strings.Builder }

// numeralBytes is the size of a block.
const numeralBytes = 2 << 10

// of returns the digits of a number. They keep their block alive.
func (n *numerals) of(number uint64) string {
	var buffer [20]byte
	digits := strconv.AppendUint(buffer[:0], number, 10)
	if n.block.Cap()-n.block.Len() < len(digits) {
		n.block.Reset() // leaves the old block to its digits
		n.block.Grow(numeralBytes)
	}
	start := n.block.Len()
	n.block.Write(digits)
	return n.block.String()[start:]
}
