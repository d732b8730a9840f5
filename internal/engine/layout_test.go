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

	queue := reflect.TypeFor[taskQueue]()
	assert.Zero(t, queue.Size()%cacheLine, "else the queues in a span of memory are not aligned")
	owner, _ := queue.FieldByName("owner")
	assert.Zero(t, owner.Offset%cacheLine, "what seldom changes has a cache line of its own")
}
