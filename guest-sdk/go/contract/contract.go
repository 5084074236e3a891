// Package contract holds the types of guest-sdk/wit/stage.wit as Go values.
//
// A stage's author needs none of them; they are what [millstream.internal/stage.Instance] takes and gives, so that
// the sandbox and the test harness run the same code. There is no generated code: the canonical ABI of this contract
// is a handful of offsets (see abi_wasm.go in the package above), and strings and lists of numbers cross without a copy.
package contract

// Every stands for all fields, or all metadata, in an [Interest].
const Every = "*"

// TextColumn is text values laid end to end: value i is Bytes[Ends[i-1]:Ends[i]], and Ends[-1] is 0. Always UTF-8.
type TextColumn struct {
	Bytes []byte
	Ends  []uint32
}

// Field is a named column beside the line. Present is a bitmap, row i at bit i%8 of byte i/8; empty means that every
// row has a value. An absent row has an empty text in Values.
type Field struct {
	Name    string
	Values  TextColumn
	Present []byte
}

// LabelSets are flat: set i is the pairs Ends[i-1]:Ends[i] of Names and Values, sorted by name, names unique.
type LabelSets struct {
	Ends   []uint32
	Names  TextColumn
	Values TextColumn
}

// LogBatch is what a call gets. Columns that were not declared are empty.
type LogBatch struct {
	FirstID    uint64
	Rows       uint32
	Timestamps []int64
	Lines      TextColumn
	Streams    []uint32
	Labels     LabelSets
	Fields     []Field
	Metadata   []Field
}

// Interest names the columns a stage reads.
type Interest struct {
	Timestamps bool
	Lines      bool
	Labels     bool
	Fields     []string
	Metadata   []string
	Holds      bool
}

// DropCount is how many rows were dropped on purpose for one reason.
type DropCount struct {
	Reason string
	Count  uint32
}

// LogEdit is what a call changed. Nil means as it was; an empty slice that is not nil means that there is no row.
type LogEdit struct {
	Origins     []uint64
	Lines       *TextColumn
	Timestamps  []int64
	Streams     []uint32
	Labels      *LabelSets
	SetFields   []Field
	SetMetadata []Field
	Drops       []DropCount
	Held        []uint64
	WakeAt      *int64
}

// Level is that of a message to the agent's log.
type Level uint32

// The levels, in the contract's order.
const (
	Trace Level = iota
	Debug
	Info
	Warn
	Error
)

// MetricKind tells how a metric adds up.
type MetricKind uint32

// The kinds, in the contract's order.
const (
	Counter MetricKind = iota
	Gauge
	Histogram
)

// Host is all that a stage gets without a grant.
type Host interface {
	// Log writes to the agent's own log.
	Log(level Level, message string)
	// Register declares a metric and answers its handle.
	Register(kind MetricKind, name, help string, labels []string, buckets []float64) (uint32, error)
	// Add adds to a counter or gauge, or observes in a histogram.
	Add(metric uint32, labelValues []string, value float64)
	// Set sets a gauge.
	Set(metric uint32, labelValues []string, value float64)
}
