package main

import (
	"bytes"
	"errors"
	"fmt"

	"millstream.internal/stage/internal/reserve"
)

const (
	i32 = 0x7f
	i64 = 0x7e

	ifVoid, elseCode, end, unreachable      = 0x04, 0x05, 0x0b, 0x00
	call, localGet, localSet                = 0x10, 0x20, 0x21
	globalGet, globalSet                    = 0x23, 0x24
	loadLong, storeLong, constant, longZero = 0x29, 0x37, 0x41, 0x42
	add, subtract, and, greater             = 0x6a, 0x6b, 0x71, 0x4b
	empty                                   = 0x40
)

const preview1 = "wasi_snapshot_preview1"

// settle makes a module of Go's one that can live in a component.
func (module *module) settle() error {
	start, err := module.find(reserve.Mark())
	if err != nil {
		return err
	}
	next := module.addGlobal(i32, constant, signed(int64(start)))
	locked := module.addGlobal(i32, constant, signed(0))
	last := module.addGlobal(i64, longZero, signed(0))
	module.export("cabi_realloc_adapter", module.addFunction(
		[]byte{i32, i32, i32, i32}, []byte{i32}, allocator(next, start+reserve.Size)))

	clock, found := module.imports[preview1+" clock_time_get"]
	if !found {
		return errors.New("it does not look at the clock, as every program of Go does")
	}
	stopped := module.addFunction([]byte{i32, i64, i32}, []byte{i32}, stoppable(clock, locked, last))
	if err := module.redirect("runtime.clock_time_get", clock, stopped); err != nil {
		return err
	}
	for _, name := range []string{"configure", "process", "tick", "flush"} {
		if err := module.lock("cabi_post_"+name, []byte{i32}, nil, locked); err != nil {
			return err
		}
	}
	return module.lock("cabi_realloc", []byte{i32, i32, i32, i32}, []byte{i32}, locked)
}

// lock wraps an exported function so that the clock stands still while it runs.
func (module *module) lock(name string, parameters, results []byte, locked uint32) error {
	inner, found := module.exports[name]
	if !found {
		return fmt.Errorf("it does not export %s: an init function must call stage.Export", name)
	}
	code := concat([]byte{0}, []byte{constant, 1, globalSet}, unsigned(locked))
	for index := range parameters {
		code = append(code, localGet, byte(index))
	}
	code = concat(code, []byte{call}, unsigned(inner), []byte{constant, 0, globalSet}, unsigned(locked), []byte{end})
	module.exports[name] = module.addFunction(parameters, results, code)
	return nil
}

// allocator is at = (next + align - 1) & -align; next = at + size, which must not be beyond the limit.
func allocator(next, limit uint32) []byte {
	const align, size, at = 2, 3, 4
	return concat(
		[]byte{1, 1, i32},
		[]byte{globalGet}, unsigned(next), []byte{localGet, align, add, constant, 1, subtract},
		[]byte{constant, 0, localGet, align, subtract, and, localSet, at},
		[]byte{localGet, at, localGet, size, add, globalSet}, unsigned(next),
		[]byte{globalGet}, unsigned(next), []byte{constant}, signed(int64(limit)),
		[]byte{greater, ifVoid, empty, unreachable, end},
		[]byte{localGet, at, end},
	)
}

// stoppable is clock_time_get(id, precision, where), which while it is locked tells what it told last.
func stoppable(clock, locked, last uint32) []byte {
	const where, align8 = 2, 3
	return concat(
		[]byte{0},
		[]byte{globalGet}, unsigned(locked), []byte{ifVoid, empty},
		[]byte{localGet, where, globalGet}, unsigned(last), []byte{storeLong, align8, 0},
		[]byte{elseCode},
		[]byte{localGet, 0, localGet, 1, localGet, where, call}, unsigned(clock),
		[]byte{ifVoid, empty, unreachable, end},
		[]byte{localGet, where, loadLong, align8, 0, globalSet}, unsigned(last),
		[]byte{end, constant, 0, end},
	)
}

// redirect makes the one call that a function makes of another go elsewhere.
func (module *module) redirect(name string, from, to uint32) error {
	index, found := module.names[name]
	if !found || index < module.imported {
		return fmt.Errorf("it has no function %s: build it without -ldflags=-s, by a Go that is known here", name)
	}
	body := &module.bodies[index-module.imported]
	old := append([]byte{call}, unsigned(from)...)
	if bytes.Count(*body, old) != 1 {
		return fmt.Errorf("%s does not look as it does in the Go that is known here (1.25 to 1.27)", name)
	}
	*body = bytes.Replace(*body, old, append([]byte{call}, unsigned(to)...), 1)
	return nil
}
