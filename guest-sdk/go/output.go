package stage

import (
	"strings"

	"millstream.internal/stage/contract"
)

// Output is what a call gives back, column by column. The columns are those of the output rows: the batch's rows in
// order, or, after [Output.SetOrigins], one row per origin. What is not set is inherited: from the row itself, or from
// its origin. Setting a column needs no declaration on [Setup].
type Output struct {
	edit     contract.LogEdit
	lines    *TextColumn
	labels   *LabelSets
	fields   []*Field
	metadata []*Field
}

// SetOrigins makes output row i inherit every unset column from the row with id origins[i]: of this batch, or held.
func (out *Output) SetOrigins(origins []uint64) { out.edit.Origins = notNil(origins) }

// SetLines sets the lines.
func (out *Output) SetLines(lines TextColumn) { out.lines = &lines }

// SetTimestamps sets the timestamps, nanoseconds since the epoch.
func (out *Output) SetTimestamps(timestamps []int64) { out.edit.Timestamps = notNil(timestamps) }

// SetStreams sets, per row, the index of its label set: in those of [Output.SetLabels], else in the batch's.
func (out *Output) SetStreams(streams []uint32) { out.edit.Streams = notNil(streams) }

// SetLabels sets new label sets. Without [Output.SetStreams], set i replaces the batch's set i.
func (out *Output) SetLabels(sets LabelSets) { out.labels = &sets }

// SetField replaces the whole field of that name; a row without a value has none afterwards.
func (out *Output) SetField(field *Field) { replace(&out.fields, field) }

// SetMetadata replaces the whole structured metadata of that name.
func (out *Output) SetMetadata(field *Field) { replace(&out.metadata, field) }

// CountDrops counts rows as dropped on purpose. Rows that vanish uncounted were merged into others.
func (out *Output) CountDrops(reason string, count int) {
	countDrops(&out.edit.Drops, reason, uint32(count))
}

// Hold names every row the stage keeps back, ascending. Each call says it anew.
func (out *Output) Hold(ids []uint64) { out.edit.Held = ids }

// WakeAt asks for a Tick at that time. Each call says it anew.
func (out *Output) WakeAt(time int64) { out.edit.WakeAt = &time }

func (out *Output) raw() *contract.LogEdit {
	edit := out.edit
	if out.lines != nil {
		lines := out.lines.raw()
		edit.Lines = &lines
	}
	if out.labels != nil {
		labels := out.labels.raw()
		edit.Labels = &labels
	}
	edit.SetFields = rawFields(out.fields)
	edit.SetMetadata = rawFields(out.metadata)
	return &edit
}

// takeOut reduces every set column to the rows that were not dropped, and names them as origins.
func (out *Output) takeOut(batch *Batch, dropped []bool) {
	var rows []int
	origins := []uint64{}
	for row, gone := range dropped {
		if !gone {
			rows = append(rows, row)
			origins = append(origins, batch.ID(row))
		}
	}
	out.edit.Origins = origins
	if out.lines != nil {
		out.SetLines(out.lines.keep(rows))
	}
	for _, fields := range [][]*Field{out.fields, out.metadata} {
		for index := range fields {
			fields[index] = fields[index].keep(rows)
		}
	}
	out.edit.Timestamps = pick(out.edit.Timestamps, rows)
	out.edit.Streams = pick(out.edit.Streams, rows)
}

func pick[T any](column []T, rows []int) []T {
	if column == nil {
		return nil
	}
	picked := make([]T, 0, len(rows))
	for _, row := range rows {
		picked = append(picked, column[row])
	}
	return picked
}

// notNil tells "no row" from "not set".
func notNil[T any](column []T) []T {
	if column == nil {
		return []T{}
	}
	return column
}

func replace(fields *[]*Field, field *Field) {
	if at := index(*fields, field.name); at >= 0 {
		(*fields)[at] = field
		return
	}
	*fields = append(*fields, field)
}

func index(fields []*Field, name string) int {
	for at, field := range fields {
		if field.name == name {
			return at
		}
	}
	return -1
}

func countDrops(drops *[]contract.DropCount, reason string, count uint32) {
	for at := range *drops {
		if (*drops)[at].Reason == reason {
			(*drops)[at].Count += count
			return
		}
	}
	*drops = append(*drops, contract.DropCount{Reason: strings.Clone(reason), Count: count})
}
