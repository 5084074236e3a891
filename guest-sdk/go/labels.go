package stage

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"millstream.internal/stage/contract"
)

// LabelSets are the label sets of a batch: what its streams are called. A set crosses once per batch and rows point at
// it, so work on labels is work on a handful of sets.
type LabelSets struct {
	ends   []uint32
	names  TextColumn
	values TextColumn
}

// LabelSet is one of [LabelSets].
type LabelSet struct {
	sets       *LabelSets
	start, end int
}

// Len is how many sets there are.
func (sets *LabelSets) Len() int { return len(sets.ends) }

// At is one set.
func (sets *LabelSets) At(index int) LabelSet {
	start := 0
	if index > 0 {
		start = int(sets.ends[index-1])
	}
	return LabelSet{sets, start, int(sets.ends[index])}
}

// Append adds a set and answers its index.
func (sets *LabelSets) Append(labels map[string]string) uint32 {
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		sets.names.Append(name)
		sets.values.Append(labels[name])
	}
	return sets.endSet()
}

// AppendSet adds a set of another batch and answers its index.
func (sets *LabelSets) AppendSet(set LabelSet) uint32 {
	sets.names.AppendRows(&set.sets.names, set.start, set.end)
	sets.values.AppendRows(&set.sets.values, set.start, set.end)
	return sets.endSet()
}

// appendChanged adds set with one label more, changed, or less, and answers its index.
func (sets *LabelSets) appendChanged(set LabelSet, name, value string, has bool) uint32 {
	pending := has
	for oldName, oldValue := range set.All() {
		if pending && oldName >= name {
			sets.names.Append(name)
			sets.values.Append(value)
			pending = false
		}
		if oldName != name {
			sets.names.Append(oldName)
			sets.values.Append(oldValue)
		}
	}
	if pending {
		sets.names.Append(name)
		sets.values.Append(value)
	}
	return sets.endSet()
}

func (sets *LabelSets) endSet() uint32 {
	sets.ends = append(sets.ends, uint32(sets.names.Len()))
	return uint32(len(sets.ends) - 1)
}

func (sets *LabelSets) raw() contract.LabelSets {
	return contract.LabelSets{Ends: sets.ends, Names: sets.names.raw(), Values: sets.values.raw()}
}

func adoptLabels(sets contract.LabelSets) LabelSets {
	return LabelSets{sets.Ends, adoptText(sets.Names), adoptText(sets.Values)}
}

// Len is how many labels the set has.
func (set LabelSet) Len() int { return set.end - set.start }

// Get is the value of a label, and whether the set has it.
func (set LabelSet) Get(name string) (string, bool) {
	for low, high := set.start, set.end; low < high; {
		middle := low + (high-low)/2
		switch order := strings.Compare(set.sets.names.At(middle), name); {
		case order < 0:
			low = middle + 1
		case order > 0:
			high = middle
		default:
			return set.sets.values.At(middle), true
		}
	}
	return "", false
}

// All are names and values, sorted by name.
func (set LabelSet) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for index := set.start; index < set.end; index++ {
			if !yield(set.sets.names.At(index), set.sets.values.At(index)) {
				return
			}
		}
	}
}

// Map is a copy of one's own.
func (set LabelSet) Map() map[string]string {
	labels := make(map[string]string, set.Len())
	for name, value := range set.All() {
		labels[strings.Clone(name)] = strings.Clone(value)
	}
	return labels
}

// key is a text that no other label set has.
func (set LabelSet) key() string {
	var key strings.Builder
	for name, value := range set.All() {
		for _, part := range [2]string{name, value} {
			size := uint32(len(part))
			key.Write([]byte{byte(size), byte(size >> 8), byte(size >> 16), byte(size >> 24)})
			key.WriteString(part)
		}
	}
	return key.String()
}

// IsLabelName tells whether Prometheus and Loki accept a label's name: [a-zA-Z_][a-zA-Z0-9_]*.
func IsLabelName(name string) bool {
	for index := range len(name) {
		letter := name[index] == '_' || (name[index]|0x20 >= 'a' && name[index]|0x20 <= 'z')
		digit := name[index] >= '0' && name[index] <= '9'
		if !letter && (!digit || index == 0) {
			return false
		}
	}
	return name != ""
}
