// Package stagetest runs a stage natively by the host's rules, for its author's tests.
//
// Only declared columns cross, held rows keep their columns outside the stage, ticks come when asked for, and time
// moves only by [Harness.Advance]. Every answer is checked as the host would check it; a violation fails the test with
// what was wrong. [Harness.Replay] replaces the stage by a fresh one and feeds it the held entries, as the host does
// after a trap or a reload: a stage whose output depends on more than that is wrong. [Cases] runs the folders of
// examples that `millstream plugin test` runs in the sandbox.
package stagetest

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"millstream.internal/stage"
	"millstream.internal/stage/contract"
)

// Harness is one stage in one place, and what a host would keep beside it.
type Harness struct {
	test     testing.TB
	plugin   *stage.Plugin
	settings string
	instance *stage.Instance
	host     recorder
	now      int64
	nextID   uint64
	held     map[uint64]Row
	wakeAt   *int64
	drops    map[string]int
	merged   int
}

// New is a configured stage. The settings are what a manifest says, as JSON.
func New(test testing.TB, plugin *stage.Plugin, settings string) *Harness {
	test.Helper()
	harness, err := configured(test, plugin, settings)
	if err != nil {
		test.Fatalf("the stage refused %s: %v", settings, err)
	}
	return harness
}

// Refusal is why the stage refuses these settings.
func Refusal(test testing.TB, plugin *stage.Plugin, settings string) string {
	test.Helper()
	_, err := configured(test, plugin, settings)
	if err == nil {
		test.Fatalf("the stage accepted %s", settings)
	}
	return err.Error()
}

func configured(test testing.TB, plugin *stage.Plugin, settings string) (*Harness, error) {
	harness := &Harness{
		test: test, plugin: plugin, settings: settings, now: Start, held: map[uint64]Row{}, drops: map[string]int{},
	}
	return harness, harness.configure()
}

func (harness *Harness) configure() error {
	harness.host.configuring = true
	instance, err := stage.Configure(harness.plugin, harness.settings, &harness.host)
	harness.host.configuring = false
	harness.instance = instance
	return errors.Join(err, harness.host.problem)
}

// Push sends one batch of lines through the stage and answers the lines that came out.
func (harness *Harness) Push(lines ...string) []string {
	harness.test.Helper()
	return Texts(harness.PushRows(Lines(lines...)...))
}

// PushRows sends one batch through the stage and answers what came out.
func (harness *Harness) PushRows(rows ...Row) []Row {
	harness.test.Helper()
	out, err := harness.TryPush(rows...)
	if err != nil {
		harness.test.Fatalf("the stage failed: %v", err)
	}
	return out
}

// TryPush sends one batch through the stage, which may fail. After a failure nothing has changed outside the stage.
func (harness *Harness) TryPush(rows ...Row) ([]Row, error) {
	harness.test.Helper()
	first := harness.nextID
	harness.nextID += uint64(len(rows))
	return harness.batch(first, rows)
}

// Advance lets time pass. The stage is called whenever it asked for that.
func (harness *Harness) Advance(duration time.Duration) []Row {
	harness.test.Helper()
	out, err := harness.until(harness.now + duration.Nanoseconds())
	if err != nil {
		harness.test.Fatalf("tick failed: %v", err)
	}
	return out
}

func (harness *Harness) until(until int64) ([]Row, error) {
	harness.test.Helper()
	var out []Row
	for harness.wakeAt != nil && *harness.wakeAt <= until {
		due := *harness.wakeAt
		harness.now = max(harness.now, due)
		edit, err := harness.instance.Tick(harness.now)
		if err != nil {
			return out, err
		}
		if edit.WakeAt != nil && *edit.WakeAt == due {
			harness.test.Fatalf("the stage asks to be woken at %d for ever", due)
		}
		out = append(out, harness.settle(0, nil, edit)...)
	}
	harness.now = max(harness.now, until)
	return out, nil
}

// Flush tells the stage that there are no more batches: it has to let go of everything.
func (harness *Harness) Flush() []Row {
	harness.test.Helper()
	out, err := harness.tryFlush()
	if err != nil {
		harness.test.Fatalf("flush failed: %v", err)
	}
	return out
}

func (harness *Harness) tryFlush() ([]Row, error) {
	harness.test.Helper()
	edit, err := harness.instance.Flush(harness.now)
	if err != nil {
		return nil, err
	}
	out := harness.settle(0, nil, edit)
	if len(harness.held) > 0 {
		harness.test.Fatalf("after flush the stage still holds %v", harness.Held())
	}
	return out, nil
}

// Replay replaces the stage by a fresh one with the same settings and feeds it the held entries, in stretches of
// consecutive ids. It answers what came out, which is nothing for a stage that decides by what it holds.
func (harness *Harness) Replay() []Row {
	harness.test.Helper()
	if err := harness.configure(); err != nil {
		harness.test.Fatalf("refused on replay: %v", err)
	}
	harness.wakeAt = nil
	ids, held := harness.Held(), harness.held
	harness.held = map[uint64]Row{}
	var out []Row
	for start := 0; start < len(ids); {
		end := start + 1
		for end < len(ids) && ids[end] == ids[end-1]+1 {
			end++
		}
		var rows []Row
		for _, id := range ids[start:end] {
			rows = append(rows, held[id])
		}
		came, err := harness.batch(ids[start], rows)
		if err != nil {
			harness.test.Fatalf("the stage failed on replay: %v", err)
		}
		out, start = append(out, came...), end
	}
	return out
}

// Held are the ids of the rows the stage holds.
func (harness *Harness) Held() []uint64 { return slices.Sorted(maps.Keys(harness.held)) }

// WakeAt is when the stage wants to be called, and whether it does.
func (harness *Harness) WakeAt() (int64, bool) {
	if harness.wakeAt == nil {
		return 0, false
	}
	return *harness.wakeAt, true
}

// Now is what time it is.
func (harness *Harness) Now() int64 { return harness.now }

// Dropped is how many rows were dropped on purpose for a reason.
func (harness *Harness) Dropped(reason string) int { return harness.drops[reason] }

// Merged is how many rows vanished uncounted: merged into others.
func (harness *Harness) Merged() int { return harness.merged }

// Messages are what the stage logged so far.
func (harness *Harness) Messages() []Message { return harness.host.messages }

// Metric is the value of a metric's series; a histogram's is the sum of its observations.
func (harness *Harness) Metric(name string, labelValues ...string) float64 {
	harness.test.Helper()
	for handle, metric := range harness.host.metrics {
		if metric.name == name {
			return harness.host.values[seriesKey(uint32(handle), labelValues)]
		}
	}
	harness.test.Fatalf("no metric `%s` was registered", name)
	return 0
}

func (harness *Harness) batch(first uint64, rows []Row) ([]Row, error) {
	harness.test.Helper()
	harness.host.begin(rows)
	edit, err := harness.instance.Process(cross(first, rows, harness.instance.Interest()), harness.now)
	derived := harness.host.end()
	if err != nil {
		return nil, err
	}
	return harness.settle(first, rows, harness.host.without(first, edit), derived...), nil
}

// settle checks an edit, applies it to the rows as kernels left them, and keeps the books.
func (harness *Harness) settle(first uint64, rows []Row, edit *contract.LogEdit, derived ...Row) []Row {
	harness.test.Helper()
	known := harness.held
	before := len(known) + len(rows)
	for row, entry := range rows {
		known[first+uint64(row)] = entry.clone()
	}
	given := &given{first, len(rows), known, distinctLabels(rows), harness.instance.Interest()}
	if err := errors.Join(given.check(edit), harness.host.problem); err != nil {
		harness.test.Fatalf("the stage broke the contract: %v", err)
	}
	given.known = maps.Clone(known)
	for row, entry := range derived {
		given.known[first+uint64(row)] = entry
	}
	out := given.apply(edit)
	harness.merged += before - given.staying(edit)
	for _, drop := range edit.Drops {
		harness.drops[drop.Reason] += int(drop.Count)
		harness.merged -= int(drop.Count)
	}
	harness.held = map[uint64]Row{}
	for _, id := range edit.Held {
		harness.held[id] = known[id]
	}
	harness.wakeAt = edit.WakeAt
	return out
}
