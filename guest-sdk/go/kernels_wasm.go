package stage

import (
	"unsafe"

	"millstream.internal/stage/contract"
)

// The interface kernels, by hand like the rest of the canonical ABI. A column is its kind and its name.

//go:wasmimport millstream:stage/kernels@1.0.0 pattern
func kernelPattern(expression unsafe.Pointer, size uint32, answer unsafe.Pointer)

//go:wasmimport millstream:stage/kernels@1.0.0 pointers
func kernelPointers(named unsafe.Pointer, count uint32, answer unsafe.Pointer)

//go:wasmimport millstream:stage/kernels@1.0.0 matches
func kernelMatches(pattern, kind uint32, name unsafe.Pointer, size uint32, answer unsafe.Pointer)

//go:wasmimport millstream:stage/kernels@1.0.0 find
func kernelFind(pattern, kind uint32, name unsafe.Pointer, size uint32, answer unsafe.Pointer)

//go:wasmimport millstream:stage/kernels@1.0.0 extract
func kernelExtract(pattern, kind uint32, name unsafe.Pointer, size, into uint32) uint32

//go:wasmimport millstream:stage/kernels@1.0.0 replace
func kernelReplace(
	pattern, kind uint32, name unsafe.Pointer, size uint32, text unsafe.Pointer, textSize uint32,
) uint32

//go:wasmimport millstream:stage/kernels@1.0.0 pluck
func kernelPluck(pointers, kind uint32, name unsafe.Pointer, size, into uint32) uint32

//go:wasmimport millstream:stage/kernels@1.0.0 splice
func kernelSplice(kind uint32, name unsafe.Pointer, size uint32, patches unsafe.Pointer, count uint32)

//go:wasmimport millstream:stage/kernels@1.0.0 drop-rows
func kernelDropRows(rows unsafe.Pointer, count uint32, reason unsafe.Pointer, size uint32)

//go:wasmimport millstream:stage/kernels@1.0.0 read
func kernelRead(kind uint32, name unsafe.Pointer, size uint32, answer unsafe.Pointer)

func start(text string) unsafe.Pointer { return unsafe.Pointer(unsafe.StringData(text)) }

func first[T any](values []T) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(values)) }

func (sandbox) Pattern(expression string) (uint32, error) {
	kernelPattern(start(expression), uint32(len(expression)), unsafe.Pointer(&told))
	return handle()
}

func (sandbox) Pointers(named [][2]string) (uint32, error) {
	var list [1]uint64
	block := putRecords(cursor{unsafe.Pointer(&list)}, 0, 4, named, func(out cursor, pair *[2]string) {
		putText(out, 0, pair[0])
		putText(out, 8, pair[1])
	})
	kernelPointers(first(block), uint32(len(named)), unsafe.Pointer(&told))
	return handle()
}

func (sandbox) Matches(pattern uint32, of contract.Column) []byte {
	kernelMatches(pattern, uint32(of.Kind), start(of.Name), uint32(len(of.Name)), unsafe.Pointer(&told))
	return list[byte](cursor{unsafe.Pointer(&told)}, 0)
}

func (sandbox) Find(pattern uint32, of contract.Column) []contract.Span {
	kernelFind(pattern, uint32(of.Kind), start(of.Name), uint32(len(of.Name)), unsafe.Pointer(&told))
	answer := cursor{unsafe.Pointer(&told)}
	spans := make([]contract.Span, answer.word(4))
	for index := range spans {
		found := cursor{unsafe.Add(pointer(answer.word(0)), index*20)}
		spans[index] = contract.Span{
			Row: found.word(0), Start: found.word(4), End: found.word(8), Text: text(found, 12),
		}
	}
	return spans
}

func (sandbox) Extract(pattern uint32, of contract.Column, into contract.Beside) uint32 {
	return kernelExtract(pattern, uint32(of.Kind), start(of.Name), uint32(len(of.Name)), uint32(into))
}

func (sandbox) Replace(pattern uint32, of contract.Column, text string) uint32 {
	return kernelReplace(
		pattern, uint32(of.Kind), start(of.Name), uint32(len(of.Name)), start(text), uint32(len(text)))
}

func (sandbox) Pluck(pointers uint32, of contract.Column, into contract.Beside) uint32 {
	return kernelPluck(pointers, uint32(of.Kind), start(of.Name), uint32(len(of.Name)), uint32(into))
}

func (sandbox) Splice(of contract.Column, patches []contract.Span) {
	var list [1]uint64
	block := putRecords(cursor{unsafe.Pointer(&list)}, 0, 5, patches, func(out cursor, patch *contract.Span) {
		out.setWord(0, patch.Row)
		out.setWord(4, patch.Start)
		out.setWord(8, patch.End)
		putText(out, 12, patch.Text)
	})
	kernelSplice(uint32(of.Kind), start(of.Name), uint32(len(of.Name)), first(block), uint32(len(patches)))
}

func (sandbox) DropRows(rows []byte, reason string) {
	kernelDropRows(first(rows), uint32(len(rows)), start(reason), uint32(len(reason)))
}

func (sandbox) Read(of contract.Column) *contract.Field {
	clear(told[:])
	kernelRead(uint32(of.Kind), start(of.Name), uint32(len(of.Name)), unsafe.Pointer(&told))
	if told[0]&0xff == 0 {
		return nil
	}
	field := cursor{unsafe.Add(unsafe.Pointer(&told), 4)}
	return &contract.Field{Name: text(field, 0), Values: field.column(8), Present: list[byte](field, 24)}
}
