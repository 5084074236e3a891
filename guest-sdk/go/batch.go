package stage

import (
	"fmt"
	"iter"
	"strconv"

	"millstream.internal/stage/contract"
)

// Batch is a batch as a stage sees it. [Batch.Entries] gives rows; what is set on them takes effect when the call
// returns, so reads always show the batch as it came in. [Batch.Output] takes whole columns. Both may be used in one
// call for different columns; row edits cannot be combined with [Output.SetOrigins], which redefines what a row is.
type Batch struct {
	interest   *contract.Interest
	host       contract.Host
	firstID    uint64
	rows       int
	timestamps []int64
	lines      TextColumn
	streams    []uint32
	labels     LabelSets
	fields     []Field
	metadata   []Field
	draft      draft
	output     Output
	misuse     error
}

func newBatch(batch *contract.LogBatch, interest *contract.Interest, host contract.Host) *Batch {
	return &Batch{
		interest:   interest,
		host:       host,
		firstID:    batch.FirstID,
		rows:       int(batch.Rows),
		timestamps: batch.Timestamps,
		lines:      adoptText(batch.Lines),
		streams:    batch.Streams,
		labels:     adoptLabels(batch.Labels),
		fields:     adoptFields(batch.Fields),
		metadata:   adoptFields(batch.Metadata),
	}
}

// Len is how many rows there are.
func (batch *Batch) Len() int { return batch.rows }

// ID is that of a row.
func (batch *Batch) ID(row int) uint64 { return batch.firstID + uint64(row) }

// Entries are the rows, in order.
func (batch *Batch) Entries() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for row := range batch.rows {
			if !yield(Entry{batch, row}) {
				return
			}
		}
	}
}

// Entry is one row. It panics when there is no such row.
func (batch *Batch) Entry(row int) Entry {
	if row < 0 || row >= batch.rows {
		panic(fmt.Sprintf("row %d of a batch of %d rows", row, batch.rows))
	}
	return Entry{batch, row}
}

// Lines are the lines, one a row.
func (batch *Batch) Lines() (*TextColumn, error) {
	if !batch.interest.Lines {
		return nil, undeclared("lines", "ReadsLines()")
	}
	return &batch.lines, nil
}

// Timestamps are nanoseconds since the epoch, one a row. They are not to be written.
func (batch *Batch) Timestamps() ([]int64, error) {
	if !batch.interest.Timestamps {
		return nil, undeclared("timestamps", "ReadsTimestamps()")
	}
	return batch.timestamps, nil
}

// Streams are, per row, the index of its set in [Batch.Labels]. They are not to be written.
func (batch *Batch) Streams() ([]uint32, error) {
	if !batch.interest.Labels {
		return nil, undeclared("streams", "ReadsLabels()")
	}
	return batch.streams, nil
}

// Labels are the label sets.
func (batch *Batch) Labels() (*LabelSets, error) {
	if !batch.interest.Labels {
		return nil, undeclared("labels", "ReadsLabels()")
	}
	return &batch.labels, nil
}

// Field is the field of that name; nil when no row has it.
func (batch *Batch) Field(name string) (*Field, error) {
	if !declares(batch.interest.Fields, name) {
		return nil, undeclared("the field `"+name+"`", "ReadsField("+strconv.Quote(name)+")")
	}
	return find(batch.fields, name), nil
}

// Metadata is the structured metadata of that name; nil when no row has it.
func (batch *Batch) Metadata(name string) (*Field, error) {
	if !declares(batch.interest.Metadata, name) {
		return nil, undeclared("the metadata `"+name+"`", "ReadsMetadata("+strconv.Quote(name)+")")
	}
	return find(batch.metadata, name), nil
}

// AllFields are the fields that crossed: those declared, where some row has a value.
func (batch *Batch) AllFields() []Field { return batch.fields }

// AllMetadata is all structured metadata that crossed.
func (batch *Batch) AllMetadata() []Field { return batch.metadata }

// Output is where whole columns are set.
func (batch *Batch) Output() *Output { return &batch.output }

// Relabel changes the labels set by set, never row by row: all rows of a stream change alike.
func (batch *Batch) Relabel(change func(labels map[string]string)) error {
	sets, err := batch.Labels()
	if err != nil {
		return err
	}
	var changed LabelSets
	for index := range sets.Len() {
		labels := sets.At(index).Map()
		change(labels)
		changed.Append(labels)
	}
	batch.output.SetLabels(changed)
	return nil
}

// misused keeps the first misuse of an entry; the call fails with it.
func (batch *Batch) misused(err error) {
	if batch.misuse == nil {
		batch.misuse = err
	}
}

func (batch *Batch) finish() (*contract.LogEdit, error) {
	if batch.misuse == nil {
		batch.misuse = batch.draft.finish(batch)
	}
	if batch.misuse != nil {
		return nil, batch.misuse
	}
	return batch.output.raw(), nil
}

func find(fields []Field, name string) *Field {
	for index := range fields {
		if fields[index].name == name {
			return &fields[index]
		}
	}
	return nil
}

func undeclared(column, call string) error {
	return fmt.Errorf("the stage uses %s without declaring it: its configure must call setup.%s", column, call)
}
