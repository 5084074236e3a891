// Package stage writes a Millstream stage in Go.
//
// A stage is a type with Process, made by a function from its settings; [Define] puts the two together and [Export]
// makes them the exports of a WebAssembly module. It gets batches of columns and changes what it wants: row by row
// through [Entry], or whole columns through [Output]. Only what was touched goes back to the host. README.md beside
// this file is the one page an author needs.
//
// What always holds:
//   - A stage reads only the columns it declared on [Setup]. Reading or changing another one fails the call with a
//     message that names the missing declaration; it never looks empty.
//   - Time comes in as now (nanoseconds since the Unix epoch). There is no clock.
//   - Texts read from a batch stay good for as long as they are kept: they are ordinary Go strings over memory that the
//     garbage collector knows. Keeping one keeps its whole column, so clone what outlives the call.
//   - The same stage runs natively under go test, driven by package stagetest with the host's rules.
package stage

import "fmt"

// Stage handles batches. One instance serves one place in one pipeline, one call at a time.
type Stage interface {
	// Process handles a batch; what is not changed stays as it is. An error fails the call: it is for a broken
	// invariant, not for an entry the stage does not understand, which passes unchanged.
	Process(batch *Batch, now int64) error
}

// Ticker is a stage that asks to be woken (see [Output.WakeAt]).
type Ticker interface {
	// Tick is called when that time has come. Output rows stem from held rows only.
	Tick(out *Output, now int64) error
}

// Flusher is a stage that holds entries.
type Flusher interface {
	// Flush is called when no more batches will come: everything held is let go here.
	Flush(out *Output, now int64) error
}

// Plugin is a stage and its settings, ready to be exported or tested.
type Plugin struct {
	configure func(settings string, setup *Setup) (Stage, error)
}

// Define makes a plugin. The settings of the manifest are read into a copy of defaults, as encoding/json does it, but
// strictly: a setting that S does not have is refused by name, and so are one in another case, one given twice, and
// null where a value belongs. Configure checks the settings, declares on setup every column the stage reads or
// changes, and registers metrics. A type without fields (struct{}) stands for no settings.
func Define[S any](defaults S, configure func(settings S, setup *Setup) (Stage, error)) *Plugin {
	return &Plugin{configure: func(text string, setup *Setup) (Stage, error) {
		settings, err := parseSettings(text, defaults)
		if err != nil {
			return nil, err
		}
		return configure(settings, setup)
	}}
}

// Refuse is the error of a setting that cannot be used; path is how the manifest calls it ("values.level").
func Refuse(path, why string, arguments ...any) error {
	return fmt.Errorf("setting `%s`: %s", path, fmt.Sprintf(why, arguments...))
}

// Source is what a setting called source names: the field of that name or, where a row has none, the label.
type Source struct{ name string }

// NewSource declares the field and the labels.
func NewSource(name string, setup *Setup) Source {
	setup.ReadsField(name)
	setup.ReadsLabels()
	return Source{name}
}

// Of answers the value of one entry, and whether there is one.
func (source Source) Of(entry Entry) (string, bool) {
	if value, ok := entry.Field(source.name); ok {
		return value, true
	}
	return entry.Label(source.name)
}
