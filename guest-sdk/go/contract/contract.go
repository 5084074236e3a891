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
	Kernels
}

// ColumnKind tells columns apart.
type ColumnKind uint32

// The kinds, in the contract's order.
const (
	LinesColumn ColumnKind = iota
	FieldColumn
	MetadataColumn
)

// Column is a column that a kernel works on; the name is that of a field or of metadata.
type Column struct {
	Kind ColumnKind
	Name string
}

// Beside tells where a kernel puts values.
type Beside uint32

// The places, in the contract's order.
const (
	IntoFields Beside = iota
	IntoMetadata
)

// Span is a part of a value: the bytes Start:End of row Row, with the text that is there, or that is to be there.
type Span struct {
	Row, Start, End uint32
	Text            string
}

// Kernels are what the host does on whole columns (the interface kernels of stage.wit).
type Kernels interface {
	// Pattern compiles an expression and answers its handle.
	Pattern(expression string) (uint32, error)
	// Pointers compiles JSON pointers: pairs of a name and a pointer.
	Pointers(named [][2]string) (uint32, error)
	// Matches are the rows in which a pattern matches, a bit a row.
	Matches(pattern uint32, of Column) []byte
	// Find answers every match.
	Find(pattern uint32, of Column) []Span
	// Extract sets the named groups of each row's first match.
	Extract(pattern uint32, of Column, into Beside) uint32
	// Replace puts text in the place of every match.
	Replace(pattern uint32, of Column, text string) uint32
	// Pluck sets what pointers find in each row's JSON.
	Pluck(pointers uint32, of Column, into Beside) uint32
	// Splice puts texts in the place of parts of values.
	Splice(of Column, patches []Span)
	// DropRows drops the rows of a bitmap.
	DropRows(rows []byte, reason string)
	// Read is a column as it is now; nil where no row has a value.
	Read(of Column) *Field
}
