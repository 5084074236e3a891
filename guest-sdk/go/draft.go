package stage

import (
	"errors"
	"fmt"

	"millstream.internal/stage/contract"
)

// draft gathers the changes made to single entries during a call. A column that no entry touched costs nothing.
type draft struct {
	lines      *TextEdit
	timestamps []int64
	labels     *LabelEdit
	fields     []*FieldEdit
	metadata   []*FieldEdit
	// dropped tells per row; nil until one is.
	dropped []bool
	drops   []contract.DropCount
}

func (draft *draft) linesOf(batch *Batch) *TextEdit {
	if draft.lines == nil {
		draft.lines = NewTextEdit(&batch.lines)
	}
	return draft.lines
}

func (draft *draft) timestampsOf(batch *Batch) []int64 {
	if draft.timestamps == nil {
		draft.timestamps = append([]int64(nil), batch.timestamps...)
	}
	return draft.timestamps
}

func (draft *draft) labelsOf(batch *Batch) *LabelEdit {
	if draft.labels == nil {
		draft.labels = NewLabelEdit(batch.streams, &batch.labels)
	}
	return draft.labels
}

func (draft *draft) drop(rows, row int, reason string) {
	if draft.dropped == nil {
		draft.dropped = make([]bool, rows)
	}
	if draft.dropped[row] {
		return
	}
	draft.dropped[row] = true
	countDrops(&draft.drops, reason, 1)
}

// finish turns the changes into columns of the batch's output.
func (draft *draft) finish(batch *Batch) error {
	out := &batch.output
	touched := draft.lines != nil || draft.timestamps != nil || draft.labels != nil || draft.dropped != nil ||
		len(draft.fields)+len(draft.metadata) > 0
	if touched && out.edit.Origins != nil {
		return errors.New("the stage changes single entries and sets origins in one call")
	}
	if draft.lines != nil {
		if out.lines != nil {
			return twice("lines")
		}
		out.SetLines(draft.lines.Finish(batch.rows))
	}
	if draft.timestamps != nil {
		if out.edit.Timestamps != nil {
			return twice("timestamps")
		}
		out.SetTimestamps(draft.timestamps)
	}
	for _, edit := range draft.fields {
		if index(out.fields, edit.name) >= 0 {
			return twice(edit.name)
		}
		out.SetField(edit.Finish())
	}
	for _, edit := range draft.metadata {
		if index(out.metadata, edit.name) >= 0 {
			return twice(edit.name)
		}
		out.SetMetadata(edit.Finish())
	}
	if draft.labels != nil {
		if out.labels != nil || out.edit.Streams != nil {
			return twice("labels")
		}
		streams, sets := draft.labels.finish(draft.dropped)
		out.SetStreams(streams)
		out.SetLabels(sets)
	}
	if draft.dropped != nil {
		out.takeOut(batch, draft.dropped)
	}
	for _, drop := range draft.drops {
		out.CountDrops(drop.Reason, int(drop.Count))
	}
	return nil
}

func twice(column string) error {
	return fmt.Errorf("the stage sets %s both as a whole column and on single entries", column)
}
