package main

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"millstream.internal/stage/internal/reserve"
)

// goLike is a module with what settle looks for, at the places where Go's linker puts it.
func goLike(clockCalls int) []byte {
	text := func(text string) []byte { return sized([]byte(text)) }
	types := vector([][]byte{
		{0x60, 3, i32, i64, i32, 1, i32}, {0x60, 4, i32, i32, i32, i32, 1, i32}, {0x60, 1, i32, 0},
	})
	imports := vector([][]byte{concat(text(preview1), text("clock_time_get"), []byte{0, 0})})
	clock := concat([]byte{0}, bytes.Repeat([]byte{localGet, 0, localGet, 1, localGet, 2, call, 0}, clockCalls), []byte{end})
	realloc, post := []byte{0, localGet, 3, end}, []byte{0, end}
	exports := [][]byte{
		concat(text("memory"), []byte{2, 0}), concat(text("cabi_realloc"), []byte{0, 2}),
		concat(text("cabi_post_configure"), []byte{0, 3}), concat(text("cabi_post_process"), []byte{0, 3}),
		concat(text("cabi_post_tick"), []byte{0, 3}), concat(text("cabi_post_flush"), []byte{0, 3}),
	}
	data := concat([]byte{0, constant}, signed(4096), []byte{end}, sized(append([]byte("before"), reserve.Mark()...)))
	names := concat(text("name"), []byte{1}, sized(vector([][]byte{concat([]byte{1}, text("runtime.clock_time_get"))})))
	module := []byte(header)
	for _, section := range []section{
		{typeSection, types}, {importSection, imports}, {functionSection, []byte{3, 0, 1, 2}}, {5, []byte{1, 0, 4}},
		{globalSection, vector([][]byte{{i32, 1, constant, 7, end}})}, {exportSection, vector(exports)},
		{codeSection, vector([][]byte{sized(clock), sized(realloc), sized(post)})},
		{dataSection, vector([][]byte{data})}, {customSection, names},
	} {
		module = concat(module, []byte{section.id}, sized(section.content))
	}
	return module
}

func TestAModuleIsWrittenAsItWasRead(t *testing.T) {
	module, err := parse(goLike(1))
	if err != nil {
		t.Fatal(err)
	}
	again, err := parse(module.bytes())
	if err != nil || !bytes.Equal(again.bytes(), module.bytes()) {
		t.Error("the module changed", err)
	}
}

func TestSettlesAModule(t *testing.T) {
	module, _ := parse(goLike(1))
	if err := module.settle(); err != nil {
		t.Fatal(err)
	}
	settled, err := parse(module.bytes())
	if err != nil {
		t.Fatal(err)
	}
	// One import, three functions before: the allocator, the clock, four cabi_post_*, cabi_realloc.
	if len(settled.bodies) != 3+7 || settled.exports["cabi_realloc_adapter"] != 4 || settled.exports["cabi_realloc"] != 10 {
		t.Errorf("%d functions, exports %v", len(settled.bodies), settled.exports)
	}
	if !bytes.Contains(settled.bodies[0], []byte{call, 5}) {
		t.Errorf("the clock is looked at directly: %x", settled.bodies[0])
	}
	if want := concat([]byte{i32, 1, constant}, signed(4096+6), []byte{end}); !bytes.Equal(settled.globals[1], want) {
		t.Errorf("the adapter's memory begins at %x, not %x", settled.globals[1], want)
	}
}

func TestSaysWhatIsMissing(t *testing.T) {
	for text, module := range map[string][]byte{
		"an init function must call stage.Export":   bytes.Replace(goLike(1), reserve.Mark(), make([]byte, 32), 1),
		"does not look as it does":                  goLike(2),
		"it has no function runtime.clock_time_get": bytes.Replace(goLike(1), []byte("runtime.clock"), []byte("runtime.knock"), 1),
		"not a WebAssembly module":                  []byte("#!/bin/sh"),
	} {
		parsed, err := parse(module)
		if err == nil {
			err = parsed.settle()
		}
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v, expected %q", err, text)
		}
	}
}

func TestNumbersAreReadAsWritten(t *testing.T) {
	for _, number := range []int64{0, 1, -1, 63, 64, -64, -65, 1 << 20, -1 << 20, 1 << 31} {
		if in := (reader{signed(number)}); in.signed() != number || len(in.rest) != 0 {
			t.Errorf("%d", number)
		}
	}
	if number, _ := binary.Uvarint(unsigned(300)); number != 300 {
		t.Error(number)
	}
}
