package stage

import "slices"

// Hold keeps entries back, one block per stream.
//
// Streams are known by their labels, because the indices of a batch mean nothing in the next one. [Hold.Begin]
// resolves them once per batch, so a row costs an index and never a hash. The hold knows every kept id, so it can tell
// the host exactly what is held ([Hold.Report]): a stage that forgot an id would lose an entry in a crash. The zero
// value holds nothing.
type Hold[T any] struct {
	blocks   []*Block[T]
	places   map[string]int
	free     []int
	ofStream []int
}

// Block is what is kept back of one stream.
type Block[T any] struct {
	// IDs are those of the rows kept back, ascending.
	IDs []uint64
	// Deadline is when the block is due; 0 means never.
	Deadline int64
	// Value is what the stage made of the rows so far.
	Value T
}

// Place is where a stream's block lies. Good until the next [Hold.Begin].
type Place int

// Begin finds the places of the batch's streams; first thing in Process. Needs setup.ReadsLabels().
func (hold *Hold[T]) Begin(batch *Batch) error {
	sets, err := batch.Labels()
	if err != nil {
		return err
	}
	if hold.places == nil {
		hold.places = map[string]int{}
	}
	for key, place := range hold.places {
		if hold.blocks[place] == nil {
			delete(hold.places, key)
			hold.free = append(hold.free, place)
		}
	}
	hold.ofStream = hold.ofStream[:0]
	for index := range sets.Len() {
		key := sets.At(index).key()
		place, known := hold.places[key]
		if !known {
			place = hold.newPlace()
			hold.places[key] = place
		}
		hold.ofStream = append(hold.ofStream, place)
	}
	return nil
}

// Place is that of a stream of the batch last begun.
func (hold *Hold[T]) Place(stream uint32) Place { return Place(hold.ofStream[stream]) }

// Get is the block at a place, to be read or changed; nil when there is none.
func (hold *Hold[T]) Get(place Place) *Block[T] { return hold.blocks[place] }

// Put puts a block at a place and answers the one that was there.
func (hold *Hold[T]) Put(place Place, block *Block[T]) *Block[T] {
	old := hold.blocks[place]
	hold.blocks[place] = block
	return old
}

// Take takes the block at a place out.
func (hold *Hold[T]) Take(place Place) *Block[T] { return hold.Put(place, nil) }

// TakeDue takes out every block whose deadline has come, in the order of their first ids.
func (hold *Hold[T]) TakeDue(now int64) []*Block[T] {
	return hold.takeIf(func(block *Block[T]) bool { return block.Deadline != 0 && block.Deadline <= now })
}

// TakeAll takes out every block, in the order of their first ids.
func (hold *Hold[T]) TakeAll() []*Block[T] {
	return hold.takeIf(func(*Block[T]) bool { return true })
}

// Report tells the host what is held and when the next block is due; last thing in every call.
func (hold *Hold[T]) Report(out *Output) {
	var ids []uint64
	var due int64
	for _, block := range hold.blocks {
		if block == nil {
			continue
		}
		ids = append(ids, block.IDs...)
		if block.Deadline != 0 && (due == 0 || block.Deadline < due) {
			due = block.Deadline
		}
	}
	slices.Sort(ids)
	out.Hold(ids)
	if due != 0 {
		out.WakeAt(due)
	}
}

func (hold *Hold[T]) newPlace() int {
	if last := len(hold.free) - 1; last >= 0 {
		place := hold.free[last]
		hold.free = hold.free[:last]
		return place
	}
	hold.blocks = append(hold.blocks, nil)
	return len(hold.blocks) - 1
}

func (hold *Hold[T]) takeIf(wanted func(*Block[T]) bool) []*Block[T] {
	var taken []*Block[T]
	for place, block := range hold.blocks {
		if block != nil && wanted(block) {
			taken = append(taken, block)
			hold.blocks[place] = nil
		}
	}
	slices.SortFunc(taken, func(a, b *Block[T]) int { return slices.Compare(a.IDs, b.IDs) })
	return taken
}
