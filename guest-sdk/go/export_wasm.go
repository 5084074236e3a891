package stage

import (
	"errors"
	"fmt"
	"runtime/debug"
	"unsafe"

	"millstream.internal/stage/contract"
	"millstream.internal/stage/internal/reserve"
)

// exported is the module's plugin, and instance what configure made of it: an instance of a module is one stage.
var (
	exported *Plugin
	instance *Instance
)

// Export makes a plugin the exports of this module; it is called from an init function.
func Export(plugin *Plugin) {
	exported = plugin
	adapterMemory = reserve.Mark()
}

// adapterMemory keeps the linker from leaving out what cmd/stagebuild needs.
var adapterMemory []byte

// alive keeps what the host gave or is about to read, because the garbage collector does not see the addresses that
// cross. It is let go when the host has read the answer (cabi_post_*).
var alive struct {
	blocks []unsafe.Pointer
	answer any
}

// answer is where results are laid out for the host.
var answer [20]uint64

//go:wasmexport cabi_realloc
func cabiRealloc(old unsafe.Pointer, oldSize, _, size uint32) unsafe.Pointer {
	if size == 0 {
		return unsafe.Pointer(&answer)
	}
	// Whole words, so that blocks are aligned for every type of the contract.
	words := make([]uint64, (size+7)/8)
	block := unsafe.Pointer(unsafe.SliceData(words))
	copy(unsafe.Slice((*byte)(block), size), unsafe.Slice((*byte)(old), oldSize))
	alive.blocks = append(alive.blocks, block)
	return block
}

func release() {
	clear(alive.blocks)
	alive.blocks = alive.blocks[:0]
	alive.answer = nil
}

//go:wasmexport cabi_post_configure
func cabiPostConfigure(unsafe.Pointer) { release() }

//go:wasmexport cabi_post_process
func cabiPostProcess(unsafe.Pointer) { release() }

//go:wasmexport cabi_post_tick
func cabiPostTick(unsafe.Pointer) { release() }

//go:wasmexport cabi_post_flush
func cabiPostFlush(unsafe.Pointer) { release() }

//go:wasmexport configure
func exportConfigure(settings unsafe.Pointer, size uint32) unsafe.Pointer {
	defer tellPanic()
	text := ""
	if size > 0 {
		text = string(unsafe.Slice((*byte)(settings), size))
	}
	out := cursor{unsafe.Pointer(&answer)}
	clear(answer[:])
	configured, err := (*Instance)(nil), errors.New("the module exports no stage: an init function must call stage.Export")
	if exported != nil {
		configured, err = Configure(exported, text, sandbox{})
	}
	if err != nil {
		out.fail(4, err)
		return out.at
	}
	instance = configured
	out.interest(instance.Interest())
	return out.at
}

//go:wasmexport process
func exportProcess(arguments unsafe.Pointer) unsafe.Pointer {
	defer tellPanic()
	in := cursor{arguments}
	return call(func(instance *Instance) (*contract.LogEdit, error) {
		return instance.Process(in.batch(), int64(in.long(104)))
	})
}

//go:wasmexport tick
func exportTick(now int64) unsafe.Pointer {
	defer tellPanic()
	return call(func(instance *Instance) (*contract.LogEdit, error) { return instance.Tick(now) })
}

//go:wasmexport flush
func exportFlush(now int64) unsafe.Pointer {
	defer tellPanic()
	return call(func(instance *Instance) (*contract.LogEdit, error) { return instance.Flush(now) })
}

func call(do func(*Instance) (*contract.LogEdit, error)) unsafe.Pointer {
	out := cursor{unsafe.Pointer(&answer)}
	clear(answer[:])
	if instance == nil {
		out.fail(8, errors.New("the stage was called before it was configured"))
		return out.at
	}
	edit, err := do(instance)
	if err != nil {
		out.fail(8, err)
		return out.at
	}
	out.edit(edit)
	return out.at
}

// tellPanic sees to it that a panic reaches the agent's log before the trap that follows it. The stage is not called
// again: the host replaces the instance.
func tellPanic() {
	if cause := recover(); cause != nil {
		sandbox{}.Log(contract.Error, fmt.Sprintf("panic: %v\n%s", cause, debug.Stack()))
		panic(cause)
	}
}
