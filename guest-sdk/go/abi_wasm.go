package stage

import (
	"errors"
	"unsafe"

	"millstream.internal/stage/contract"
)

// The canonical ABI of guest-sdk/wit/stage.wit by hand: guest-sdk/wit/README.md has every offset. The sandbox has
// addresses of 32 bits where Go on WebAssembly has pointers of 64, so the layouts are read and written word by word.

// cursor is a place in the sandbox's memory; offsets count from there.
type cursor struct{ at unsafe.Pointer }

func (in cursor) word(offset int) uint32 { return *(*uint32)(unsafe.Add(in.at, offset)) }

func (in cursor) long(offset int) uint64 { return *(*uint64)(unsafe.Add(in.at, offset)) }

func (in cursor) setByte(offset int, value byte) { *(*byte)(unsafe.Add(in.at, offset)) = value }

func (in cursor) setFlag(offset int, value bool) {
	if value {
		in.setByte(offset, 1)
	}
}

func (in cursor) setWord(offset int, value uint32) { *(*uint32)(unsafe.Add(in.at, offset)) = value }

func (in cursor) setLong(offset int, value uint64) { *(*uint64)(unsafe.Add(in.at, offset)) = value }

// pointer makes an address of the sandbox one of Go.
func pointer(address uint32) unsafe.Pointer {
	word := uintptr(address)
	return *(*unsafe.Pointer)(unsafe.Pointer(&word))
}

func address(at unsafe.Pointer) uint32 { return uint32(uintptr(at)) }

// list is a list's memory, not copied.
func list[T any](in cursor, offset int) []T {
	length := in.word(offset + 4)
	if length == 0 {
		return nil
	}
	return unsafe.Slice((*T)(pointer(in.word(offset))), length)
}

func text(in cursor, offset int) string {
	bytes := list[byte](in, offset)
	return unsafe.String(unsafe.SliceData(bytes), len(bytes))
}

func (in cursor) column(offset int) contract.TextColumn {
	return contract.TextColumn{Bytes: list[byte](in, offset), Ends: list[uint32](in, offset+8)}
}

func (in cursor) fields(offset int) []contract.Field {
	count := int(in.word(offset + 4))
	fields := make([]contract.Field, count)
	for index := range fields {
		field := cursor{unsafe.Add(pointer(in.word(offset)), index*32)}
		fields[index] = contract.Field{
			Name:    text(field, 0),
			Values:  field.column(8),
			Present: list[byte](field, 24),
		}
	}
	return fields
}

// batch is a log-batch.
func (in cursor) batch() *contract.LogBatch {
	return &contract.LogBatch{
		FirstID:    in.long(0),
		Rows:       in.word(8),
		Timestamps: list[int64](in, 12),
		Lines:      in.column(20),
		Streams:    list[uint32](in, 36),
		Labels:     contract.LabelSets{Ends: list[uint32](in, 44), Names: in.column(52), Values: in.column(68)},
		Fields:     in.fields(84),
		Metadata:   in.fields(92),
	}
}

func put[T any](out cursor, offset int, values []T) {
	out.setWord(offset, address(unsafe.Pointer(unsafe.SliceData(values))))
	out.setWord(offset+4, uint32(len(values)))
}

func putText(out cursor, offset int, value string) {
	out.setWord(offset, address(unsafe.Pointer(unsafe.StringData(value))))
	out.setWord(offset+4, uint32(len(value)))
}

// putOption is an option<list>, of which nil is none.
func putOption[T any](out cursor, offset int, values []T) {
	if values != nil {
		out.setByte(offset, 1)
		put(out, offset+4, values)
	}
}

func (out cursor) putColumn(offset int, column contract.TextColumn) {
	put(out, offset, column.Bytes)
	put(out, offset+8, column.Ends)
}

// putRecords lays out a list of records of so many words each.
func putRecords[T any](out cursor, offset, words int, records []T, lay func(cursor, *T)) []uint32 {
	block := make([]uint32, len(records)*words)
	for index := range records {
		lay(cursor{unsafe.Pointer(&block[index*words])}, &records[index])
	}
	put(out, offset, block)
	out.setWord(offset+4, uint32(len(records)))
	return block
}

func putTexts(out cursor, offset int, texts []string) []uint32 {
	return putRecords(out, offset, 2, texts, func(out cursor, text *string) { putText(out, 0, *text) })
}

func putFields(out cursor, offset int, fields []contract.Field) []uint32 {
	return putRecords(out, offset, 8, fields, func(out cursor, field *contract.Field) {
		putText(out, 0, field.Name)
		out.putColumn(8, field.Values)
		put(out, 24, field.Present)
	})
}

// interest is the good answer of configure: a result<interest, string>.
func (out cursor) interest(interest contract.Interest) {
	out.setFlag(4, interest.Timestamps)
	out.setFlag(5, interest.Lines)
	out.setFlag(6, interest.Labels)
	fields := putTexts(out, 8, interest.Fields)
	metadata := putTexts(out, 16, interest.Metadata)
	out.setFlag(24, interest.Holds)
	alive.answer = []any{interest, fields, metadata}
}

// fail is the bad answer of any call; its text lies at an offset that depends on the good one's alignment.
func (out cursor) fail(offset int, err error) {
	message := err.Error()
	out.setByte(0, 1)
	putText(out, offset, message)
	alive.answer = message
}

// edit is the good answer of a call: a result<log-edit, failure>, the edit at 8.
func (out cursor) edit(edit *contract.LogEdit) {
	putOption(out, 8, edit.Origins)
	if edit.Lines != nil {
		out.setByte(20, 1)
		out.putColumn(24, *edit.Lines)
	}
	putOption(out, 40, edit.Timestamps)
	putOption(out, 52, edit.Streams)
	if edit.Labels != nil {
		out.setByte(64, 1)
		put(out, 68, edit.Labels.Ends)
		out.putColumn(76, edit.Labels.Names)
		out.putColumn(92, edit.Labels.Values)
	}
	fields := putFields(out, 108, edit.SetFields)
	metadata := putFields(out, 116, edit.SetMetadata)
	drops := putRecords(out, 124, 3, edit.Drops, func(out cursor, drop *contract.DropCount) {
		putText(out, 0, drop.Reason)
		out.setWord(8, drop.Count)
	})
	put(out, 132, edit.Held)
	if edit.WakeAt != nil {
		out.setByte(144, 1)
		out.setLong(152, uint64(*edit.WakeAt))
	}
	alive.answer = []any{edit, fields, metadata, drops}
}

//go:wasmimport millstream:stage/host@1.0.0 log
func hostLog(level uint32, message unsafe.Pointer, size uint32)

//go:wasmimport millstream:stage/host@1.0.0 register
func hostRegister(
	kind uint32, name unsafe.Pointer, nameSize uint32, help unsafe.Pointer, helpSize uint32,
	labels unsafe.Pointer, labelCount uint32, buckets unsafe.Pointer, bucketCount uint32, answer unsafe.Pointer,
)

//go:wasmimport millstream:stage/host@1.0.0 add
func hostAdd(metric uint32, values unsafe.Pointer, count uint32, value float64)

//go:wasmimport millstream:stage/host@1.0.0 set
func hostSet(metric uint32, values unsafe.Pointer, count uint32, value float64)

// told is where the host lays the answer of an import: at most an option<field>.
var told [5]uint64

// handle is the answer of a declaration: a result<u32, string>.
func handle() (uint32, error) {
	answer := cursor{unsafe.Pointer(&told)}
	if told[0]&0xff != 0 {
		return 0, errors.New(text(answer, 4))
	}
	return answer.word(4), nil
}

// sandbox is the host as the imports give it.
type sandbox struct{}

func (sandbox) Log(level contract.Level, message string) {
	hostLog(uint32(level), unsafe.Pointer(unsafe.StringData(message)), uint32(len(message)))
}

func (sandbox) Register(
	kind contract.MetricKind, name, help string, labels []string, buckets []float64,
) (uint32, error) {
	var list [1]uint64
	block := putTexts(cursor{unsafe.Pointer(&list)}, 0, labels)
	hostRegister(uint32(kind),
		unsafe.Pointer(unsafe.StringData(name)), uint32(len(name)),
		unsafe.Pointer(unsafe.StringData(help)), uint32(len(help)),
		unsafe.Pointer(unsafe.SliceData(block)), uint32(len(labels)),
		unsafe.Pointer(unsafe.SliceData(buckets)), uint32(len(buckets)),
		unsafe.Pointer(&told))
	return handle()
}

func (sandbox) Add(metric uint32, labelValues []string, value float64) {
	var list [1]uint64
	block := putTexts(cursor{unsafe.Pointer(&list)}, 0, labelValues)
	hostAdd(metric, unsafe.Pointer(unsafe.SliceData(block)), uint32(len(labelValues)), value)
}

func (sandbox) Set(metric uint32, labelValues []string, value float64) {
	var list [1]uint64
	block := putTexts(cursor{unsafe.Pointer(&list)}, 0, labelValues)
	hostSet(metric, unsafe.Pointer(unsafe.SliceData(block)), uint32(len(labelValues)), value)
}
