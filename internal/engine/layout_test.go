package engine

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
)

const cacheLine = 64

func TestWhatEverySendTouchesFitsIntoCacheLines(t *testing.T) {
	const message = 16 // bytes of an interface
	assert.EqualValues(t, cacheLine, reflect.TypeFor[Task]().Size()+message, "a plain message with its task")
	assert.EqualValues(t, cacheLine, reflect.TypeFor[extra]().Size())

	late := reflect.TypeFor[lateQueue]()
	assert.EqualValues(t, 3*cacheLine, late.Size(), "else it is not aligned")
	batches, _ := late.FieldByName("batches")
	assert.Less(t, batches.Offset, uintptr(2*cacheLine), "beside what a claim reads")

	queue := reflect.TypeFor[taskQueue]()
	assert.Zero(t, queue.Size()%cacheLine, "else the queues in a span of memory are not aligned")
	owner, _ := queue.FieldByName("owner")
	assert.Zero(t, owner.Offset%cacheLine, "what seldom changes has a cache line of its own")
}
