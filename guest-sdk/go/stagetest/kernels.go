package stagetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"millstream.internal/stage/contract"
)

// kernels are those of the host, on rows of a harness. Package regexp is RE2 itself.
type kernels struct {
	patterns []*regexp.Regexp
	pointers [][][2]string
	rows     []Row
	atWork   bool
	dropped  map[int]string
	problem  error
}

// begin hands over the rows of a call to Process.
func (kernels *kernels) begin(rows []Row) {
	kernels.rows, kernels.atWork, kernels.dropped = nil, true, map[int]string{}
	for _, row := range rows {
		kernels.rows = append(kernels.rows, row.clone())
	}
}

// end takes back the rows as kernels left them.
func (kernels *kernels) end() []Row {
	kernels.atWork = false
	return kernels.rows
}

// without is the edit with the rows that DropRows took out.
func (kernels *kernels) without(first uint64, edit *contract.LogEdit) *contract.LogEdit {
	if len(kernels.dropped) == 0 {
		return edit
	}
	if edit.Origins != nil {
		kernels.fault("origins are set although DropRows was called")
		return edit
	}
	reduced := *edit
	reduced.Origins = []uint64{}
	for row := range kernels.rows {
		if reason, gone := kernels.dropped[row]; gone {
			reduced.Drops = append(reduced.Drops, contract.DropCount{Reason: reason, Count: 1})
		} else {
			reduced.Origins = append(reduced.Origins, first+uint64(row))
		}
	}
	return &reduced
}

func (kernels *kernels) fault(format string, arguments ...any) {
	if kernels.problem == nil {
		kernels.problem = fmt.Errorf(format, arguments...)
	}
}

func (kernels *kernels) Pattern(expression string) (uint32, error) {
	pattern, err := regexp.Compile(expression)
	kernels.patterns = append(kernels.patterns, pattern)
	return uint32(len(kernels.patterns) - 1), err
}

func (kernels *kernels) Pointers(named [][2]string) (uint32, error) {
	for _, pair := range named {
		if !strings.HasPrefix(pair[1], "/") {
			return 0, fmt.Errorf("`%s` is no JSON pointer: it begins with `/`", pair[1])
		}
	}
	kernels.pointers = append(kernels.pointers, named)
	return uint32(len(kernels.pointers) - 1), nil
}

// each shows every row that has a value to do, and puts back what that answers.
func (kernels *kernels) each(of contract.Column, do func(row int, text string) string) uint32 {
	if !kernels.atWork {
		kernels.fault("kernels: there is a batch only while Process runs")
	}
	changed := uint32(0)
	for place := range kernels.rows {
		row := &kernels.rows[place]
		values, old, has := row.Fields, row.Line, true
		if of.Kind == contract.MetadataColumn {
			values = row.Metadata
		}
		if of.Kind != contract.LinesColumn {
			old, has = values[of.Name]
		}
		if !has {
			continue
		}
		value := do(place, old)
		if value == old {
			continue
		}
		changed++
		if of.Kind == contract.LinesColumn {
			row.Line = value
		} else {
			values[of.Name] = value
		}
	}
	return changed
}

func (kernels *kernels) set(row int, into contract.Beside, name, value string) {
	if into == contract.IntoFields {
		kernels.rows[row].Fields = with(kernels.rows[row].Fields, name, value)
	} else {
		kernels.rows[row].Metadata = with(kernels.rows[row].Metadata, name, value)
	}
}

func (kernels *kernels) Matches(pattern uint32, of contract.Column) []byte {
	bits := make([]byte, (len(kernels.rows)+7)/8)
	kernels.each(of, func(row int, text string) string {
		if kernels.patterns[pattern].MatchString(text) {
			bits[row/8] |= 1 << (row % 8)
		}
		return text
	})
	return bits
}

func (kernels *kernels) Find(pattern uint32, of contract.Column) []contract.Span {
	var all []contract.Span
	kernels.each(of, func(row int, text string) string {
		for _, found := range kernels.patterns[pattern].FindAllStringIndex(text, -1) {
			span := contract.Span{Row: uint32(row), Start: uint32(found[0]), End: uint32(found[1])}
			span.Text = text[found[0]:found[1]]
			all = append(all, span)
		}
		return text
	})
	return all
}

func (kernels *kernels) Extract(pattern uint32, of contract.Column, into contract.Beside) uint32 {
	count := uint32(0)
	compiled := kernels.patterns[pattern]
	kernels.each(of, func(row int, text string) string {
		found := compiled.FindStringSubmatch(text)
		if found == nil {
			return text
		}
		count++
		for group, name := range compiled.SubexpNames() {
			if name != "" {
				kernels.set(row, into, name, found[group])
			}
		}
		return text
	})
	return count
}

// plain is `$name` without braces, which the host does not look up.
var plain = regexp.MustCompile(`\$(\$|[A-Za-z_]\w*)`)

func (kernels *kernels) Replace(pattern uint32, of contract.Column, with string) uint32 {
	with = plain.ReplaceAllStringFunc(with, func(found string) string {
		if found == "$$" {
			return found
		}
		return "${" + found[1:] + "}"
	})
	return kernels.each(of, func(_ int, text string) string {
		return kernels.patterns[pattern].ReplaceAllString(text, with)
	})
}

func (kernels *kernels) Pluck(pointers uint32, of contract.Column, into contract.Beside) uint32 {
	count := uint32(0)
	kernels.each(of, func(row int, text string) string {
		if !json.Valid([]byte(text)) {
			return text
		}
		count++
		for _, pair := range kernels.pointers[pointers] {
			if value, found := follow([]byte(text), pair[1]); found {
				kernels.set(row, into, pair[0], value)
			}
		}
		return text
	})
	return count
}

// follow finds a pointer's value: a text without its escapes, anything else as it is written, null not at all.
func follow(document json.RawMessage, pointer string) (string, bool) {
	for _, step := range strings.Split(pointer[1:], "/") {
		key := strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		var object map[string]json.RawMessage
		var array []json.RawMessage
		index, err := strconv.Atoi(key)
		switch {
		case json.Unmarshal(document, &object) == nil && object[key] != nil:
			document = object[key]
		case json.Unmarshal(document, &array) == nil && err == nil && index >= 0 && index < len(array):
			document = array[index]
		default:
			return "", false
		}
	}
	document = bytes.TrimSpace(document)
	var text string
	if string(document) == "null" {
		return "", false
	}
	if json.Unmarshal(document, &text) == nil {
		return text, true
	}
	return string(document), true
}

func (kernels *kernels) Splice(of contract.Column, patches []contract.Span) {
	next := 0
	kernels.each(of, func(row int, text string) string {
		var out strings.Builder
		done := 0
		for ; next < len(patches) && int(patches[next].Row) == row; next++ {
			patch := patches[next]
			if int(patch.Start) < done || patch.End < patch.Start || int(patch.End) > len(text) {
				kernels.fault("the patch of row %d, bytes %d..%d does not fit", row, patch.Start, patch.End)
				return text
			}
			out.WriteString(text[done:patch.Start] + patch.Text)
			done = int(patch.End)
		}
		return out.String() + text[done:]
	})
	if next < len(patches) {
		kernels.fault("the patch of row %d has no value, or is not behind the one before it", patches[next].Row)
	}
}

func (kernels *kernels) DropRows(rows []byte, reason string) {
	if len(rows) != (len(kernels.rows)+7)/8 {
		kernels.fault("%d bytes of bits for %d rows", len(rows), len(kernels.rows))
		return
	}
	for row := range kernels.rows {
		if _, gone := kernels.dropped[row]; !gone && rows[row/8]&(1<<(row%8)) != 0 {
			kernels.dropped[row] = strings.Clone(reason)
		}
	}
}

func (kernels *kernels) Read(of contract.Column) *contract.Field {
	field := &contract.Field{Name: of.Name, Present: make([]byte, (len(kernels.rows)+7)/8)}
	values := make([]string, len(kernels.rows))
	found := false
	kernels.each(of, func(row int, text string) string {
		values[row], found = text, true
		field.Present[row/8] |= 1 << (row % 8)
		return text
	})
	if !found {
		return nil
	}
	for _, value := range values {
		push(&field.Values, value)
	}
	return field
}
