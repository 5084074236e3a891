package stage

import "strings"

// linearSteps is how many values of one set and name are compared before they are looked up by hash.
const linearSteps = 8

// LabelEdit changes the labels of rows as steps from label set to label set. Each step (set, name, value) is taken
// once and remembered, so a thousand rows of level=INFO make one new set and a thousand comparisons of a short text.
type LabelEdit struct {
	streams []uint32
	sets    LabelSets
	// steps are, by set, the names that were changed from there.
	steps [][]labelSteps
}

type labelSteps struct {
	name     string
	removed  bool
	without  uint32
	few      []labelStep
	moreThan map[string]uint32
}

type labelStep struct {
	value string
	to    uint32
}

// NewLabelEdit edits rows whose label sets are streams among sets.
func NewLabelEdit(streams []uint32, sets *LabelSets) *LabelEdit {
	edit := &LabelEdit{streams: append([]uint32(nil), streams...)}
	for index := range sets.Len() {
		edit.sets.AppendSet(sets.At(index))
	}
	return edit
}

// Set gives a row a label. Cheap where values repeat.
func (edit *LabelEdit) Set(row int, name, value string) { edit.change(row, name, value, true) }

// Remove takes a label from a row.
func (edit *LabelEdit) Remove(row int, name string) { edit.change(row, name, "", false) }

// Apply sets the streams and labels of out, which must have the same rows.
func (edit *LabelEdit) Apply(out *Output) {
	streams, sets := edit.finish(nil)
	out.SetStreams(streams)
	out.SetLabels(sets)
}

func (edit *LabelEdit) change(row int, name, value string, has bool) {
	from := edit.streams[row]
	for uint32(len(edit.steps)) <= from {
		edit.steps = append(edit.steps, nil)
	}
	steps := edit.named(from, name)
	to, known := steps.to(value, has)
	if !known {
		to = edit.step(from, name, value, has)
		steps.add(strings.Clone(value), has, to)
	}
	edit.streams[row] = to
}

func (edit *LabelEdit) named(from uint32, name string) *labelSteps {
	for index := range edit.steps[from] {
		if edit.steps[from][index].name == name {
			return &edit.steps[from][index]
		}
	}
	edit.steps[from] = append(edit.steps[from], labelSteps{name: name})
	return &edit.steps[from][len(edit.steps[from])-1]
}

func (edit *LabelEdit) step(from uint32, name, value string, has bool) uint32 {
	set := edit.sets.At(int(from))
	if old, had := set.Get(name); had == has && old == value {
		return from
	}
	var one LabelSets
	one.appendChanged(set, name, value, has)
	return edit.sets.AppendSet(one.At(0))
}

func (steps *labelSteps) to(value string, has bool) (uint32, bool) {
	if !has {
		return steps.without, steps.removed
	}
	for _, step := range steps.few {
		if step.value == value {
			return step.to, true
		}
	}
	to, ok := steps.moreThan[value]
	return to, ok
}

func (steps *labelSteps) add(value string, has bool, to uint32) {
	switch {
	case !has:
		steps.removed, steps.without = true, to
	case len(steps.few) < linearSteps:
		steps.few = append(steps.few, labelStep{value, to})
	default:
		if steps.moreThan == nil {
			steps.moreThan = map[string]uint32{}
		}
		steps.moreThan[value] = to
	}
}

// finish answers the rows' sets, and those sets that a row which was not dropped stands on.
func (edit *LabelEdit) finish(dropped []bool) ([]uint32, LabelSets) {
	const nowhere = ^uint32(0)
	places := make([]uint32, edit.sets.Len())
	for index := range places {
		places[index] = nowhere
	}
	var used LabelSets
	for row, stream := range edit.streams {
		if dropped != nil && dropped[row] {
			continue
		}
		if places[stream] == nowhere {
			places[stream] = used.AppendSet(edit.sets.At(int(stream)))
		}
		edit.streams[row] = places[stream]
	}
	return edit.streams, used
}
