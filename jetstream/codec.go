package jetstream

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"

	"google.golang.org/protobuf/proto"

	"github.com/troupe-go/troupe/guard"
)

// A Codec turns payloads and results into bytes and back. It must be safe for
// concurrent use. A panic in it is taken for an error; it must not end its goroutine.
type Codec interface {
	// Name is stored with each task: a task is read only by a codec of the same name.
	Name() string
	Marshal(v any) ([]byte, error)
	// Unmarshal sets what v, which is a pointer, points to.
	Unmarshal(data []byte, v any) error
}

// JSON is the default codec: that of package encoding/json.
type JSON struct{}

// Name implements [Codec].
func (JSON) Name() string { return "json" }

// Marshal implements [Codec].
func (JSON) Marshal(v any) ([]byte, error) { return json.Marshal(v) }

// Unmarshal implements [Codec].
func (JSON) Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v) }

// Protobuf is a codec for generated messages: the queue's type is a pointer to one.
type Protobuf struct{}

// Name implements [Codec].
func (Protobuf) Name() string { return "protobuf" }

// Marshal implements [Codec].
func (Protobuf) Marshal(v any) ([]byte, error) {
	message, ok := v.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("%T is no protobuf message", v)
	}
	return proto.Marshal(message)
}

// Unmarshal implements [Codec].
func (Protobuf) Unmarshal(data []byte, v any) error {
	target := reflect.ValueOf(v)
	if target.Kind() == reflect.Pointer && target.Elem().Kind() == reflect.Pointer {
		target = target.Elem()
		if target.IsNil() && target.CanSet() {
			target.Set(reflect.New(target.Type().Elem()))
		}
	}
	message, ok := reflect.TypeAssert[proto.Message](target)
	if !ok {
		return fmt.Errorf("%T points to no protobuf message", v)
	}
	return proto.Unmarshal(data, message)
}

// nameOf guards a codec's Name.
func nameOf(codec Codec) (name string, err error) {
	err = failureOf("name", guard.Call(func() { name = codec.Name() }))
	return name, err
}

// marshal guards a codec's Marshal.
func marshal(codec Codec, v any) (data []byte, err error) {
	failed := guard.Call(func() { data, err = codec.Marshal(v) })
	return data, cmp.Or(failureOf("marshal", failed), err)
}

// unmarshal guards a codec's Unmarshal.
func unmarshal(codec Codec, data []byte, v any) (err error) {
	failed := guard.Call(func() { err = codec.Unmarshal(data, v) })
	return cmp.Or(failureOf("unmarshal", failed), err)
}

// failureOf returns the error for user code that has failed; nil if err is nil.
func failureOf(code string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %w", code, err)
}
