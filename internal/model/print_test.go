package model_test

import (
	"fmt"
	"go/format"
	"reflect"
	"strings"

	"github.com/troupe-go/troupe/actors"
)

// GoString is the script as Go source, formatted as in a call from a test.
func (s script) GoString() string {
	const before, after = "package p\n\nfunc _() {\n", "}\n"
	code := before + "runScript(t, script" + literal(reflect.ValueOf(s)) + ")\n" + after
	formatted, err := format.Source([]byte(code))
	if err != nil {
		return err.Error() + "\n" + code
	}
	return strings.TrimSuffix(strings.TrimPrefix(string(formatted), before), after)
}

// literal is a composite literal without what is zero. Ops have a line each.
func literal(v reflect.Value) string {
	fields := make([]string, 0, v.NumField())
	for i := range v.NumField() {
		if f := v.Field(i); !f.IsZero() {
			fields = append(fields, v.Type().Field(i).Name+": "+value(f))
		}
	}
	return "{" + strings.Join(fields, ", ") + "}"
}

func value(v reflect.Value) string {
	names := map[reflect.Type][]string{
		reflect.TypeFor[opKind](): {
			"", "doAsk", "doSubmit", "doTell", "doRequest", "doBurst", "doBroadcast", "doCancel", "doPause", "doResume", "doResize",
			"doWait", "doRest", "doShutdown", "doFinish", "doClose", "doStop", "doPoison", "doStopParent",
		},
		reflect.TypeFor[ending](): {
			"endWell", "endError", "endNoRetry", "endRetryAfter", "endPanic", "endGoexit",
			"endTimedOut", "endCanceled", "endDropped", "endQuarantined", "endKill", "endSelfStop", "endRestart", "endReplace",
		},
		reflect.TypeFor[dispatching](): {"leastBusy", "roundRobin", "atRandom", "byHash", "byPick"},
		reflect.TypeFor[actors.Overflow](): {
			"", "actors.Block", "actors.Reject", "actors.DropOldest", "actors.DropNewest", "actors.CallerRuns",
		},
	}
	switch {
	case names[v.Type()] != nil:
		return names[v.Type()][v.Int()]
	case v.Kind() == reflect.Struct:
		return v.Type().Name() + literal(v)
	case v.Kind() == reflect.Slice:
		var lines strings.Builder
		for i := range v.Len() {
			lines.WriteString(literal(v.Index(i)) + ",\n")
		}
		return "[]" + v.Type().Elem().Name() + "{\n" + lines.String() + "}"
	case v.Kind() == reflect.Int && v.Int() == actors.Unbounded:
		return "actors.Unbounded"
	default:
		return fmt.Sprintf("%#v", v)
	}
}
