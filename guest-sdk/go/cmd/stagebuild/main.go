// Command stagebuild builds a stage's module: go build for wasip1, and what Go needs to live in a component.
//
//	go run millstream.internal/stage/cmd/stagebuild -o build/redact.wasm .
//
// Two rules of components meet a runtime that does not know them:
//   - The adapter of WASI's first preview needs memory of its own while Go's runtime starts. Growing the memory would
//     give it what the runtime takes for its heap, and no Go code can answer that early. So package stage sets 160 KiB
//     aside as data, and a function cabi_realloc_adapter hands them out.
//   - While the host asks for memory (cabi_realloc) or tells that it has read an answer (cabi_post_*), nothing may be
//     imported; but Go's allocator and garbage collector look at the clock. So during these calls the clock stands still.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

func main() {
	output := flag.String("o", "", "the module to write")
	flag.Parse()
	if err := build(*output, flag.Args()); err != nil {
		fmt.Fprintf(os.Stderr, "stagebuild: %v\n", err)
		os.Exit(1)
	}
}

func build(output string, packages []string) error {
	if output == "" {
		return errors.New("name the module to write: -o build/NAME.wasm")
	}
	if err := os.MkdirAll(filepath.Dir(output), 0o755); err != nil {
		return err
	}
	// Go leaves an output alone that it takes for its own; the one that is there was corrected and is not.
	if err := os.Remove(output); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	arguments := []string{"build", "-buildmode=c-shared", "-trimpath", "-ldflags=-w", "-o", output}
	command := exec.Command("go", append(arguments, packages...)...)
	command.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("go build: %w", err)
	}
	bytes, err := os.ReadFile(output)
	if err != nil {
		return err
	}
	module, err := parse(bytes)
	if err != nil {
		return fmt.Errorf("%s: %w", output, err)
	}
	if err := module.settle(); err != nil {
		return fmt.Errorf("%s: %w", output, err)
	}
	return os.WriteFile(output, module.bytes(), 0o644)
}
