package stage

import "millstream.internal/stage/contract"

// Field is a named column beside the line: values extracted by earlier stages, or Loki structured metadata. Not every
// row has a value; as long as all have, that costs nothing.
type Field struct {
	name    string
	values  TextColumn
	present []byte
}

// NewField is an empty column. It grows row by row.
func NewField(name string) *Field { return &Field{name: name} }

// FullField is a column in which every row has a value.
func FullField(name string, values TextColumn) *Field { return &Field{name: name, values: values} }

// Name is what the column is called.
func (field *Field) Name() string { return field.name }

// Len is how many rows there are, with or without a value.
func (field *Field) Len() int { return field.values.Len() }

// Values are the texts of all rows; a row without a value has an empty one.
func (field *Field) Values() *TextColumn { return &field.values }

// Has tells whether a row has a value.
func (field *Field) Has(row int) bool {
	return len(field.present) == 0 || field.present[row/8]&(1<<(row%8)) != 0
}

// At is the value of a row, and whether it has one.
func (field *Field) At(row int) (string, bool) {
	if !field.Has(row) {
		return "", false
	}
	return field.values.At(row), true
}

// Append adds a row with a value.
func (field *Field) Append(value string) {
	if len(field.present) != 0 {
		field.mark(field.Len(), true)
	}
	field.values.Append(value)
}

// AppendNone adds a row without a value.
func (field *Field) AppendNone() {
	if len(field.present) == 0 {
		field.present = allPresent(field.Len())
	}
	field.mark(field.Len(), false)
	field.values.Append()
}

func (field *Field) mark(row int, present bool) {
	for len(field.present) <= row/8 {
		field.present = append(field.present, 0)
	}
	setBit(field.present, row, present)
}

func (field *Field) keep(rows []int) *Field {
	kept := NewField(field.name)
	for _, row := range rows {
		if value, ok := field.At(row); ok {
			kept.Append(value)
		} else {
			kept.AppendNone()
		}
	}
	return kept
}

func (field *Field) raw() contract.Field {
	return contract.Field{Name: field.name, Values: field.values.raw(), Present: field.present}
}

func adoptFields(fields []contract.Field) []Field {
	adopted := make([]Field, len(fields))
	for index, field := range fields {
		adopted[index] = Field{field.Name, adoptText(field.Values), field.Present}
	}
	return adopted
}

func rawFields(fields []*Field) []contract.Field {
	var raw []contract.Field
	for _, field := range fields {
		raw = append(raw, field.raw())
	}
	return raw
}

func setBit(bits []byte, row int, to bool) {
	if to {
		bits[row/8] |= 1 << (row % 8)
	} else {
		bits[row/8] &^= 1 << (row % 8)
	}
}

func allPresent(rows int) []byte {
	bits := make([]byte, (rows+7)/8)
	for row := range rows {
		setBit(bits, row, true)
	}
	return bits
}

// FieldEdit is a new version of a field that differs in some rows; the others keep what they had.
type FieldEdit struct {
	name    string
	texts   *TextEdit
	rows    int
	present []byte
}

// NewFieldEdit edits original, or, where it is nil, a field that no row has yet. There are so many rows.
func NewFieldEdit(name string, original *Field, rows int) *FieldEdit {
	edit := &FieldEdit{name: name, rows: rows}
	switch {
	case original == nil:
		edit.texts = NewTextEdit(&TextColumn{})
		edit.present = make([]byte, (rows+7)/8)
	case len(original.present) == 0:
		edit.texts = NewTextEdit(&original.values)
		edit.present = allPresent(rows)
	default:
		edit.texts = NewTextEdit(&original.values)
		edit.present = append([]byte(nil), original.present...)
	}
	return edit
}

// Set gives a row a value.
func (edit *FieldEdit) Set(row int, value string) {
	edit.texts.Set(row, value)
	setBit(edit.present, row, true)
}

// Unset takes the value of a row away.
func (edit *FieldEdit) Unset(row int) {
	edit.texts.Set(row, "")
	setBit(edit.present, row, false)
}

// Finish is the whole column.
func (edit *FieldEdit) Finish() *Field {
	field := &Field{edit.name, edit.texts.Finish(edit.rows), edit.present}
	for row := range edit.rows {
		if !field.Has(row) {
			return field
		}
	}
	field.present = nil
	return field
}
