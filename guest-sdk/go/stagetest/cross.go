package stagetest

import (
	"maps"
	"slices"

	"millstream.internal/stage/contract"
)

// given is what the stage was given: the rows of the call, and those it held.
type given struct {
	first    uint64
	rows     int
	known    map[uint64]Row
	sets     []map[string]string
	interest contract.Interest
}

func (given *given) ofBatch(id uint64) bool {
	return id >= given.first && id-given.first < uint64(given.rows)
}

// origins are the ids that the output rows stem from.
func (given *given) origins(edit *contract.LogEdit) []uint64 {
	if edit.Origins != nil {
		return edit.Origins
	}
	ids := make([]uint64, given.rows)
	for row := range ids {
		ids[row] = given.first + uint64(row)
	}
	return ids
}

// staying is how many of the known rows live on, as output or held.
func (given *given) staying(edit *contract.LogEdit) int {
	ids := map[uint64]bool{}
	for _, id := range append(slices.Clone(given.origins(edit)), edit.Held...) {
		ids[id] = true
	}
	return len(ids)
}

// distinctLabels are the label sets of rows in the order of their first appearance.
func distinctLabels(rows []Row) []map[string]string {
	var sets []map[string]string
	for _, row := range rows {
		if place(sets, row.Labels) < 0 {
			sets = append(sets, row.Labels)
		}
	}
	return sets
}

func place(sets []map[string]string, labels map[string]string) int {
	return slices.IndexFunc(sets, func(set map[string]string) bool { return maps.Equal(set, labels) })
}

// cross lays rows out as columns, only those of the interest.
func cross(first uint64, rows []Row, interest contract.Interest) *contract.LogBatch {
	batch := &contract.LogBatch{FirstID: first, Rows: uint32(len(rows))}
	if interest.Labels {
		sets := distinctLabels(rows)
		for _, set := range sets {
			for _, name := range slices.Sorted(maps.Keys(set)) {
				push(&batch.Labels.Names, name)
				push(&batch.Labels.Values, set[name])
			}
			batch.Labels.Ends = append(batch.Labels.Ends, uint32(len(batch.Labels.Names.Ends)))
		}
		for _, row := range rows {
			batch.Streams = append(batch.Streams, uint32(place(sets, row.Labels)))
		}
	}
	for _, row := range rows {
		if interest.Timestamps {
			batch.Timestamps = append(batch.Timestamps, row.Timestamp)
		}
		if interest.Lines {
			push(&batch.Lines, row.Line)
		}
	}
	batch.Fields = columns(rows, interest.Fields, func(row Row) map[string]string { return row.Fields })
	batch.Metadata = columns(rows, interest.Metadata, func(row Row) map[string]string { return row.Metadata })
	return batch
}

func columns(rows []Row, wanted []string, of func(Row) map[string]string) []contract.Field {
	there := map[string]bool{}
	for _, row := range rows {
		for name := range of(row) {
			there[name] = slices.Contains(wanted, contract.Every) || slices.Contains(wanted, name)
		}
	}
	var fields []contract.Field
	for _, name := range slices.Sorted(maps.Keys(there)) {
		if !there[name] {
			continue
		}
		field := contract.Field{Name: name, Present: make([]byte, (len(rows)+7)/8)}
		full := true
		for row, entry := range rows {
			value, has := of(entry)[name]
			push(&field.Values, value)
			if has {
				field.Present[row/8] |= 1 << (row % 8)
			}
			full = full && has
		}
		if full {
			field.Present = nil
		}
		fields = append(fields, field)
	}
	return fields
}

func push(column *contract.TextColumn, value string) {
	column.Bytes = append(column.Bytes, value...)
	column.Ends = append(column.Ends, uint32(len(column.Bytes)))
}

func at(column contract.TextColumn, row int) string {
	start := uint32(0)
	if row > 0 {
		start = column.Ends[row-1]
	}
	return string(column.Bytes[start:column.Ends[row]])
}

func labelSets(sets contract.LabelSets) []map[string]string {
	var all []map[string]string
	start := 0
	for _, end := range sets.Ends {
		set := map[string]string{}
		for ; start < int(end); start++ {
			set[at(sets.Names, start)] = at(sets.Values, start)
		}
		all = append(all, set)
	}
	return all
}

// apply makes the output rows of an edit that passed the checks.
func (given *given) apply(edit *contract.LogEdit) []Row {
	sets := given.sets
	if edit.Labels != nil {
		sets = labelSets(*edit.Labels)
	}
	var out []Row
	for index, id := range given.origins(edit) {
		row := given.known[id].clone()
		stream := place(given.sets, row.Labels)
		if edit.Streams != nil {
			stream = int(edit.Streams[index])
		}
		if edit.Streams != nil || edit.Labels != nil {
			row.Labels = maps.Clone(sets[stream])
		}
		if edit.Lines != nil {
			row.Line = at(*edit.Lines, index)
		}
		if edit.Timestamps != nil {
			row.Timestamp = edit.Timestamps[index]
		}
		row.Fields = changed(row.Fields, edit.SetFields, index)
		row.Metadata = changed(row.Metadata, edit.SetMetadata, index)
		out = append(out, row)
	}
	return out
}

func changed(values map[string]string, fields []contract.Field, row int) map[string]string {
	for _, field := range fields {
		if len(field.Present) == 0 || field.Present[row/8]&(1<<(row%8)) != 0 {
			values = with(values, field.Name, at(field.Values, row))
		} else {
			delete(values, field.Name)
		}
	}
	return values
}
