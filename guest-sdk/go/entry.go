package stage

// Entry is one row of a batch. Reads show it as it came in; changes take effect when the call returns. It is a small
// value, to be passed as such, and means nothing after the call.
type Entry struct {
	batch *Batch
	row   int
}

// Row is the entry's place in its batch.
func (entry Entry) Row() int { return entry.row }

// ID is the entry's id: unique at this stage, never used twice.
func (entry Entry) ID() uint64 { return entry.batch.ID(entry.row) }

// Line is the text. Needs setup.ReadsLines().
func (entry Entry) Line() string {
	if !entry.mayLines() {
		return ""
	}
	return entry.batch.lines.At(entry.row)
}

// Timestamp is nanoseconds since the epoch. Needs setup.ReadsTimestamps().
func (entry Entry) Timestamp() int64 {
	if !entry.mayTimestamps() {
		return 0
	}
	return entry.batch.timestamps[entry.row]
}

// Label is the value of a label, and whether the entry has it. Needs setup.ReadsLabels().
func (entry Entry) Label(name string) (string, bool) {
	if !entry.mayLabels() {
		return "", false
	}
	return entry.batch.labels.At(int(entry.batch.streams[entry.row])).Get(name)
}

// Field is the value of a field, and whether the entry has it. Needs setup.ReadsField(name).
func (entry Entry) Field(name string) (string, bool) {
	return entry.value(entry.batch.Field(name))
}

// Metadata is the value of structured metadata, and whether the entry has it. Needs setup.ReadsMetadata(name).
func (entry Entry) Metadata(name string) (string, bool) {
	return entry.value(entry.batch.Metadata(name))
}

// SetLine replaces the text. Needs setup.ReadsLines().
func (entry Entry) SetLine(line string) {
	if entry.mayLines() {
		entry.batch.draft.linesOf(entry.batch).Set(entry.row, line)
	}
}

// SetLineBytes replaces the text by a copy of line, for a buffer that is used again. Needs setup.ReadsLines().
func (entry Entry) SetLineBytes(line []byte) {
	if entry.mayLines() {
		entry.batch.draft.linesOf(entry.batch).SetBytes(entry.row, line)
	}
}

// SetTimestamp replaces the timestamp. Needs setup.ReadsTimestamps().
func (entry Entry) SetTimestamp(timestamp int64) {
	if entry.mayTimestamps() {
		entry.batch.draft.timestampsOf(entry.batch)[entry.row] = timestamp
	}
}

// SetLabel sets a label. Needs setup.ReadsLabels(). Cheap where values repeat.
func (entry Entry) SetLabel(name, value string) {
	if entry.mayLabels() {
		entry.batch.draft.labelsOf(entry.batch).Set(entry.row, name, value)
	}
}

// RemoveLabel removes a label. Needs setup.ReadsLabels().
func (entry Entry) RemoveLabel(name string) {
	if entry.mayLabels() {
		entry.batch.draft.labelsOf(entry.batch).Remove(entry.row, name)
	}
}

// SetField sets a field. Needs setup.ReadsField(name): the other rows keep theirs.
func (entry Entry) SetField(name, value string) {
	if edit := entry.fieldEdit(name); edit != nil {
		edit.Set(entry.row, value)
	}
}

// UnsetField takes a field's value away. Needs setup.ReadsField(name).
func (entry Entry) UnsetField(name string) {
	if edit := entry.fieldEdit(name); edit != nil {
		edit.Unset(entry.row)
	}
}

// SetMetadata sets structured metadata. Needs setup.ReadsMetadata(name).
func (entry Entry) SetMetadata(name, value string) {
	if edit := entry.metadataEdit(name); edit != nil {
		edit.Set(entry.row, value)
	}
}

// UnsetMetadata removes structured metadata. Needs setup.ReadsMetadata(name).
func (entry Entry) UnsetMetadata(name string) {
	if edit := entry.metadataEdit(name); edit != nil {
		edit.Unset(entry.row)
	}
}

// Drop drops the entry on purpose, counted under reason. Dropping it again changes nothing.
func (entry Entry) Drop(reason string) { entry.batch.draft.drop(entry.batch.rows, entry.row, reason) }

func (entry Entry) value(field *Field, err error) (string, bool) {
	if err != nil {
		entry.batch.misused(err)
		return "", false
	}
	if field == nil {
		return "", false
	}
	return field.At(entry.row)
}

func (entry Entry) fieldEdit(name string) *FieldEdit {
	original, err := entry.batch.Field(name)
	return entry.edit(&entry.batch.draft.fields, name, original, err)
}

func (entry Entry) metadataEdit(name string) *FieldEdit {
	original, err := entry.batch.Metadata(name)
	return entry.edit(&entry.batch.draft.metadata, name, original, err)
}

func (entry Entry) edit(edits *[]*FieldEdit, name string, original *Field, err error) *FieldEdit {
	if err != nil {
		entry.batch.misused(err)
		return nil
	}
	for _, edit := range *edits {
		if edit.name == name {
			return edit
		}
	}
	edit := NewFieldEdit(name, original, entry.batch.rows)
	*edits = append(*edits, edit)
	return edit
}

func (entry Entry) mayLines() bool {
	return entry.batch.interest.Lines || entry.undeclared("lines", "ReadsLines()")
}

func (entry Entry) mayTimestamps() bool {
	return entry.batch.interest.Timestamps || entry.undeclared("timestamps", "ReadsTimestamps()")
}

func (entry Entry) mayLabels() bool {
	return entry.batch.interest.Labels || entry.undeclared("labels", "ReadsLabels()")
}

func (entry Entry) undeclared(column, call string) bool {
	entry.batch.misused(undeclared(column, call))
	return false
}
