// Package reserve sets memory aside for the adapter of WASI, which cmd/stagebuild gives it.
package reserve

// Size of the memory: 64 KiB that the adapter keeps its state in, 64 KiB for its stack, and what aligning them costs.
const Size = 160 << 10

// memory begins with a mark by which cmd/stagebuild finds it in the module; the adapter then overwrites it.
var memory = [Size]byte{
	'm', 'i', 'l', 'l', 's', 't', 'r', 'e', 'a', 'm', ' ', 'a', 'd', 'a', 'p', 't',
	0xd1, 0x3c, 0x9e, 0x57, 0x02, 0xb8, 0x6f, 0xe4, 0x1a, 0x95, 0xc3, 0x70, 0x2d, 0x88, 0xf6, 0x4b,
}

// Mark is how the memory begins in a module that was not started.
func Mark() []byte { return memory[:32] }
