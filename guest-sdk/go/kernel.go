package stage

import (
	"fmt"
	"iter"
	"maps"
	"math/bits"
	"slices"

	"millstream.internal/stage/contract"
)

// Column is a column that the host works on for a stage. It needs no declaration, because it does not cross.
type Column = contract.Column

// OfLines are the lines.
var OfLines = Column{Kind: contract.LinesColumn}

// OfField is the field of that name.
func OfField(name string) Column { return Column{Kind: contract.FieldColumn, Name: name} }

// OfMetadata is the structured metadata of that name.
func OfMetadata(name string) Column { return Column{Kind: contract.MetadataColumn, Name: name} }

// Where [Batch.Extract] and [Batch.Pluck] put values.
const (
	IntoFields   = contract.IntoFields
	IntoMetadata = contract.IntoMetadata
)

// Span is a match, or with another text what is put in its place: the bytes Start:End of row Row.
type Span = contract.Span

// Pattern is an expression that the host runs.
type Pattern struct{ handle uint32 }

// Pointers are JSON pointers that the host follows.
type Pointers struct{ handle uint32 }

// Pattern compiles an expression for the host: RE2, the flavour of package regexp and of the bundled stages.
func (setup *Setup) Pattern(expression string) (Pattern, error) {
	handle, err := setup.host.Pattern(expression)
	return Pattern{handle}, err
}

// Pointers compiles JSON pointers (RFC 6901) for the host, by the names of the columns that they fill.
func (setup *Setup) Pointers(named map[string]string) (Pointers, error) {
	var pairs [][2]string
	for _, name := range slices.Sorted(maps.Keys(named)) {
		pairs = append(pairs, [2]string{name, named[name]})
	}
	handle, err := setup.host.Pointers(pairs)
	return Pointers{handle}, err
}

// Matches are the rows in which a pattern matches. Like everything here it is done by the host, on the column as it is then:
// with what was set before by [Batch.Extract] and its like, without what the stage itself has set.
func (batch *Batch) Matches(pattern Pattern, of Column) Rows {
	return Rows{batch.host.Matches(pattern.handle, of), batch.rows}
}

// Find answers every match, with its text.
func (batch *Batch) Find(pattern Pattern, of Column) []Span {
	return batch.host.Find(pattern.handle, of)
}

// Extract sets the named groups of each row's first match as fields or metadata, and answers how many rows match.
func (batch *Batch) Extract(pattern Pattern, of Column, into contract.Beside) int {
	return int(batch.host.Extract(pattern.handle, of, into))
}

// Replace puts a text in the place of every match, ${name} and $1 being groups, and answers how many rows changed.
func (batch *Batch) Replace(pattern Pattern, of Column, text string) int {
	return int(batch.host.Replace(pattern.handle, of, text))
}

// Pluck sets what the pointers find in each row's JSON as fields or metadata, and answers how many rows are JSON.
func (batch *Batch) Pluck(pointers Pointers, of Column, into contract.Beside) int {
	return int(batch.host.Pluck(pointers.handle, of, into))
}

// Splice puts the texts of spans in their places. Spans ascend by row and place, and do not overlap.
func (batch *Batch) Splice(of Column, patches []Span) {
	if len(patches) > 0 {
		batch.host.Splice(of, patches)
	}
}

// DropRows drops rows on purpose. It does not go together with [Output.SetOrigins] or [Entry.Drop].
func (batch *Batch) DropRows(rows Rows, reason string) { batch.host.DropRows(rows.bits, reason) }

// Read is a column as it is now; nil where no row has a value.
func (batch *Batch) Read(of Column) *Field {
	raw := batch.host.Read(of)
	if raw == nil {
		return nil
	}
	return &adoptFields([]contract.Field{*raw})[0]
}

// Rows are some rows of a batch.
type Rows struct {
	bits  []byte
	count int
}

// Has tells whether a row is among them.
func (rows Rows) Has(row int) bool {
	if row < 0 || row >= rows.count {
		panic(fmt.Sprintf("row %d of a batch of %d rows", row, rows.count))
	}
	return rows.bits[row/8]&(1<<(row%8)) != 0
}

// Len is how many they are.
func (rows Rows) Len() int {
	count := 0
	for _, byte := range rows.bits {
		count += bits.OnesCount8(byte)
	}
	return count
}

// All are the rows, ascending.
func (rows Rows) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for place, byte := range rows.bits {
			for ; byte != 0; byte &= byte - 1 {
				if !yield(place*8 + bits.TrailingZeros8(byte)) {
					return
				}
			}
		}
	}
}

// Others are the other rows of the batch.
func (rows Rows) Others() Rows {
	others := make([]byte, len(rows.bits))
	for place, byte := range rows.bits {
		others[place] = ^byte
	}
	if rest := rows.count % 8; rest != 0 {
		others[len(others)-1] &= 1<<rest - 1
	}
	return Rows{others, rows.count}
}
