package main

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"strconv"
	"strings"
)

// appendLine appends the line that sha256sum prints.
func appendLine(line []byte, sum digest, name string) []byte {
	if strings.ContainsAny(name, "\\\n\r") {
		line = append(line, '\\') // says that the name is escaped
		name = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`).Replace(name)
	}
	line = hex.AppendEncode(line, sum[:])
	line = append(line, "  "...)
	line = append(line, name...)
	return append(line, '\n')
}

// complaint is one line about a file, whatever its name.
func complaint(name string, err error) string {
	if quoted := strconv.Quote(name); name == "" || quoted != `"`+name+`"` {
		name = quoted
	}
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = path.Err // without the name, which is said already
	}
	return "checksum: " + name + ": " + err.Error() + "\n"
}
