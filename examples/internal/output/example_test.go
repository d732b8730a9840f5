package output_test

import (
	"fmt"

	"github.com/troupe-go/troupe/examples/internal/output"
)

func Example() {
	var stderr output.Buffer
	fmt.Fprint(&stderr, "listening ")
	fmt.Fprint(&stderr, "on port 80")
	fmt.Println(stderr.String())
	// Output: listening on port 80
}
