package stagetest

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"millstream.internal/stage/contract"
)

// check is the contract, as the host enforces it on every edit. It answers the first violation.
func (given *given) check(edit *contract.LogEdit) error {
	origins := given.origins(edit)
	if err := given.checkRows(edit, origins); err != nil {
		return err
	}
	if err := given.checkLabels(edit, origins); err != nil {
		return err
	}
	if err := checkColumns(edit, len(origins)); err != nil {
		return err
	}
	vanished, dropped := len(given.known)-given.staying(edit), 0
	for _, drop := range edit.Drops {
		dropped += int(drop.Count)
	}
	if dropped > vanished {
		return fmt.Errorf("%d rows counted as dropped, but only %d vanished", dropped, vanished)
	}
	return nil
}

func (given *given) checkRows(edit *contract.LogEdit, origins []uint64) error {
	for _, id := range origins {
		if _, known := given.known[id]; !known {
			return fmt.Errorf("origin %d is neither of the batch nor held", id)
		}
	}
	for index, id := range edit.Held {
		if _, known := given.known[id]; !known {
			return fmt.Errorf("row %d is held, but neither of the batch nor held before", id)
		}
		if index > 0 && id <= edit.Held[index-1] {
			return fmt.Errorf("held rows do not ascend: %v", edit.Held)
		}
	}
	if len(edit.Held) > 0 && !given.interest.Holds {
		return fmt.Errorf("rows are held, but configure did not call setup.Holds()")
	}
	for _, id := range origins {
		if _, held := slices.BinarySearch(edit.Held, id); held {
			return fmt.Errorf("row %d is put out and held at once, so a replay would repeat it", id)
		}
	}
	return nil
}

func (given *given) checkLabels(edit *contract.LogEdit, origins []uint64) error {
	old := slices.ContainsFunc(origins, func(id uint64) bool { return !given.ofBatch(id) })
	if old && edit.Labels == nil && edit.Streams != nil {
		return fmt.Errorf("streams without labels, though a held row is put out")
	}
	sets := len(given.sets)
	if edit.Labels != nil {
		if err := checkSets(*edit.Labels); err != nil {
			return err
		}
		sets = len(edit.Labels.Ends)
	}
	if edit.Streams == nil {
		if edit.Labels != nil && (old || sets != len(given.sets)) {
			return fmt.Errorf("labels without streams have to replace the batch's label sets one by one")
		}
		return nil
	}
	for _, stream := range edit.Streams {
		if int(stream) >= sets {
			return fmt.Errorf("stream %d of %d label sets", stream, sets)
		}
	}
	return checkLength("streams", len(edit.Streams), len(origins))
}

func checkSets(sets contract.LabelSets) error {
	pairs := len(sets.Names.Ends)
	for _, column := range []contract.TextColumn{sets.Names, sets.Values} {
		if err := checkText("the label sets", column, pairs); err != nil {
			return err
		}
	}
	if !slices.IsSorted(sets.Ends) || (len(sets.Ends) == 0 && pairs > 0) ||
		(len(sets.Ends) > 0 && int(sets.Ends[len(sets.Ends)-1]) != pairs) {
		return fmt.Errorf("the label sets of an edit do not fit together")
	}
	start := 0
	for _, end := range sets.Ends {
		for index := start + 1; index < int(end); index++ {
			if at(sets.Names, index-1) >= at(sets.Names, index) {
				return fmt.Errorf("the names of a label set are not sorted and unique: `%s`", at(sets.Names, index))
			}
		}
		start = int(end)
	}
	return nil
}

func checkColumns(edit *contract.LogEdit, rows int) error {
	if edit.Lines != nil {
		if err := checkText("lines", *edit.Lines, rows); err != nil {
			return err
		}
	}
	if edit.Timestamps != nil {
		if err := checkLength("timestamps", len(edit.Timestamps), rows); err != nil {
			return err
		}
	}
	for _, fields := range [][]contract.Field{edit.SetFields, edit.SetMetadata} {
		names := map[string]bool{}
		for _, field := range fields {
			if names[field.Name] {
				return fmt.Errorf("`%s` is set twice", field.Name)
			}
			names[field.Name] = true
			if err := checkText(field.Name, field.Values, rows); err != nil {
				return err
			}
			if len(field.Present) > 0 {
				if err := checkLength("the bitmap of "+field.Name, len(field.Present), (rows+7)/8); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func checkText(name string, column contract.TextColumn, rows int) error {
	if !utf8.Valid(column.Bytes) {
		return fmt.Errorf("%s: a text column is not UTF-8", name)
	}
	start := uint32(0)
	for _, end := range column.Ends {
		inside := int(end) < len(column.Bytes)
		if end < start || int(end) > len(column.Bytes) || (inside && !utf8.RuneStart(column.Bytes[end])) {
			return fmt.Errorf("%s: the ends of a text column do not ascend along its characters", name)
		}
		start = end
	}
	if int(start) != len(column.Bytes) {
		return fmt.Errorf("%s: the last end of a text column is not its length", name)
	}
	return checkLength(name, len(column.Ends), rows)
}

func checkLength(name string, is, rows int) error {
	if is != rows {
		return fmt.Errorf("%s: %d values for %d", name, is, rows)
	}
	return nil
}
