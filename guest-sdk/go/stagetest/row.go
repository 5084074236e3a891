package stagetest

import (
	"fmt"
	"maps"
)

// Start is when a harness starts, and the timestamp of the first row that names none: 2026-01-01T00:00:00Z.
const Start int64 = 1_767_225_600_000_000_000

// Row is an entry as tests write and read it: everything a stage could read or change. A nil map is an empty one.
type Row struct {
	Line      string            `json:"line"`
	Timestamp int64             `json:"timestamp"`
	Labels    map[string]string `json:"labels,omitempty"`
	Fields    map[string]string `json:"fields,omitempty"`
	Metadata  map[string]string `json:"metadata,omitempty"`
}

// Lines are rows at [Start] with nothing but a line.
func Lines(lines ...string) []Row {
	rows := make([]Row, 0, len(lines))
	for _, line := range lines {
		rows = append(rows, Row{Line: line, Timestamp: Start})
	}
	return rows
}

// Texts are the lines of rows.
func Texts(rows []Row) []string {
	texts := make([]string, 0, len(rows))
	for _, row := range rows {
		texts = append(texts, row.Line)
	}
	return texts
}

// Equal tells whether two entries are the same in everything.
func (row Row) Equal(other Row) bool {
	return row.Line == other.Line && row.Timestamp == other.Timestamp && maps.Equal(row.Labels, other.Labels) &&
		maps.Equal(row.Fields, other.Fields) && maps.Equal(row.Metadata, other.Metadata)
}

func (row Row) String() string {
	return fmt.Sprintf("%q at %d, labels %v, fields %v, metadata %v",
		row.Line, row.Timestamp, row.Labels, row.Fields, row.Metadata)
}

func (row Row) clone() Row {
	row.Labels = maps.Clone(row.Labels)
	row.Fields = maps.Clone(row.Fields)
	row.Metadata = maps.Clone(row.Metadata)
	return row
}

func with(values map[string]string, name, value string) map[string]string {
	if values == nil {
		values = map[string]string{}
	}
	values[name] = value
	return values
}
