package stage

import (
	"iter"
	"unsafe"

	"millstream.internal/stage/contract"
)

// TextColumn is texts laid end to end. The zero value is an empty column; it only ever grows.
type TextColumn struct {
	bytes []byte
	ends  []uint32
}

// NewTextColumn is an empty column with room for rows values of size bytes in total.
func NewTextColumn(rows, size int) TextColumn {
	return TextColumn{bytes: make([]byte, 0, size), ends: make([]uint32, 0, rows)}
}

// Texts is a column of these values.
func Texts(values ...string) TextColumn {
	var column TextColumn
	for _, value := range values {
		column.Append(value)
	}
	return column
}

// Len is how many values there are.
func (column *TextColumn) Len() int { return len(column.ends) }

// Bytes are all values, end to end. They are not to be written.
func (column *TextColumn) Bytes() []byte { return column.bytes }

// Ends tell where each value ends in [TextColumn.Bytes], ascending. They are not to be written.
func (column *TextColumn) Ends() []uint32 { return column.ends }

// At is the value of a row. It copies nothing.
func (column *TextColumn) At(row int) string {
	value := column.bytes[column.start(row):column.ends[row]]
	return unsafe.String(unsafe.SliceData(value), len(value))
}

// All are the rows and their values, in order.
func (column *TextColumn) All() iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for row := range column.ends {
			if !yield(row, column.At(row)) {
				return
			}
		}
	}
}

// Append adds a value, which is the parts together.
func (column *TextColumn) Append(parts ...string) {
	for _, part := range parts {
		column.bytes = append(column.bytes, part...)
	}
	column.ends = append(column.ends, uint32(len(column.bytes)))
}

// AppendBytes adds a value.
func (column *TextColumn) AppendBytes(value []byte) {
	column.bytes = append(column.bytes, value...)
	column.ends = append(column.ends, uint32(len(column.bytes)))
}

// AppendRows adds the values from:to of another column in one copy.
func (column *TextColumn) AppendRows(other *TextColumn, from, to int) {
	if from >= to {
		return
	}
	first, base := other.start(from), uint32(len(column.bytes))
	column.bytes = append(column.bytes, other.bytes[first:other.ends[to-1]]...)
	for _, end := range other.ends[from:to] {
		column.ends = append(column.ends, end-first+base)
	}
}

func (column *TextColumn) start(row int) uint32 {
	if row == 0 {
		return 0
	}
	return column.ends[row-1]
}

// appendEmpty adds values without text up to a length.
func (column *TextColumn) appendEmpty(length int) {
	for len(column.ends) < length {
		column.ends = append(column.ends, uint32(len(column.bytes)))
	}
}

func (column *TextColumn) keep(rows []int) TextColumn {
	kept := NewTextColumn(len(rows), len(column.bytes))
	for _, row := range rows {
		kept.Append(column.At(row))
	}
	return kept
}

func (column *TextColumn) raw() contract.TextColumn {
	return contract.TextColumn{Bytes: column.bytes, Ends: column.ends}
}

func adoptText(column contract.TextColumn) TextColumn {
	return TextColumn{bytes: column.Bytes, ends: column.Ends}
}

// TextEdit is a new version of a column that differs in some rows. Fastest when rows are set in ascending order; any
// order works, and the last value of a row counts.
type TextEdit struct {
	original *TextColumn
	edited   TextColumn
	late     map[int]string
}

// NewTextEdit edits original, which may be an empty column where no row has a value yet.
func NewTextEdit(original *TextColumn) *TextEdit {
	room := len(original.bytes) + len(original.bytes)/8
	return &TextEdit{original: original, edited: NewTextColumn(original.Len(), room)}
}

// Set gives a row a value.
func (edit *TextEdit) Set(row int, value string) {
	if row < edit.edited.Len() {
		if edit.late == nil {
			edit.late = map[int]string{}
		}
		edit.late[row] = value
		return
	}
	edit.fill(row)
	edit.edited.Append(value)
}

// SetBytes gives a row a value, which is copied.
func (edit *TextEdit) SetBytes(row int, value []byte) {
	if row < edit.edited.Len() {
		edit.Set(row, string(value))
		return
	}
	edit.fill(row)
	edit.edited.AppendBytes(value)
}

// Finish is the column of so many rows.
func (edit *TextEdit) Finish(rows int) TextColumn {
	edit.fill(rows)
	if len(edit.late) == 0 {
		return edit.edited
	}
	again := NewTextColumn(rows, len(edit.edited.bytes))
	for row, value := range edit.edited.All() {
		if later, ok := edit.late[row]; ok {
			value = later
		}
		again.Append(value)
	}
	return again
}

// fill takes the rows up to row from the original.
func (edit *TextEdit) fill(row int) {
	edit.edited.AppendRows(edit.original, edit.edited.Len(), min(row, edit.original.Len()))
	edit.edited.appendEmpty(row)
}
