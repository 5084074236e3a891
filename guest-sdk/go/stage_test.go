package stage_test

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"millstream.internal/stage"
	"millstream.internal/stage/stagetest"
)

// triples joins three entries of a stream into one; it lets go after a second.
type triples struct {
	hold   stage.Hold[string]
	joined stage.Counter
}

var triplesPlugin = stage.Define(struct{}{}, func(_ struct{}, setup *stage.Setup) (stage.Stage, error) {
	setup.ReadsLines()
	setup.ReadsLabels()
	setup.Holds()
	joined, err := setup.Counter("joined", "Blocks let go.", "kind")
	return &triples{joined: joined}, err
})

func (triples *triples) Process(batch *stage.Batch, now int64) error {
	if err := triples.hold.Begin(batch); err != nil {
		return err
	}
	streams, err := batch.Streams()
	if err != nil {
		return err
	}
	var done []*stage.Block[string]
	for entry := range batch.Entries() {
		place := triples.hold.Place(streams[entry.Row()])
		block := triples.hold.Get(place)
		if block == nil {
			block = &stage.Block[string]{Deadline: now + int64(time.Second)}
			triples.hold.Put(place, block)
		}
		block.IDs = append(block.IDs, entry.ID())
		block.Value += entry.Line()
		if len(block.IDs) == 3 {
			done = append(done, triples.hold.Take(place))
		}
	}
	triples.release(done, batch.Output())
	return nil
}

func (triples *triples) Tick(out *stage.Output, now int64) error {
	triples.release(triples.hold.TakeDue(now), out)
	return nil
}

func (triples *triples) Flush(out *stage.Output, _ int64) error {
	triples.release(triples.hold.TakeAll(), out)
	return nil
}

func (triples *triples) release(blocks []*stage.Block[string], out *stage.Output) {
	var lines stage.TextColumn
	var origins []uint64
	for _, block := range blocks {
		lines.Append(block.Value)
		origins = append(origins, block.IDs[0])
	}
	out.SetLines(lines)
	out.SetOrigins(origins)
	triples.joined.Add(float64(len(blocks)), "triple")
	triples.hold.Report(out)
}

func of(line, stream string) stagetest.Row {
	return stagetest.Row{
		Line: line, Timestamp: 1,
		Labels: map[string]string{"s": stream}, Fields: map[string]string{"f": line},
	}
}

func TestHeldRowsKeepTheirColumnsOutside(t *testing.T) {
	harness := stagetest.New(t, triplesPlugin, "null")
	if out := harness.PushRows(of("a", "1"), of("x", "2"), of("b", "1")); len(out) != 0 {
		t.Fatalf("%v came out", out)
	}
	expect(t, harness.Held(), []uint64{0, 1, 2})
	want := of("a", "1")
	want.Line = "abc"
	if out := harness.PushRows(of("c", "1"), of("d", "1")); len(out) != 1 || !out[0].Equal(want) {
		t.Fatalf("%v came out", out)
	}
	expect(t, harness.Held(), []uint64{1, 4})
	expect(t, harness.Merged(), 2)
	expect(t, stagetest.Texts(harness.Flush()), []string{"x", "d"})
	expect(t, harness.Metric("joined", "triple"), 3.0)
}

func TestTimeMovesOnlyByAdvancing(t *testing.T) {
	harness := stagetest.New(t, triplesPlugin, "")
	harness.Push("a")
	if wake, asked := harness.WakeAt(); !asked || wake != stagetest.Start+int64(time.Second) {
		t.Fatalf("woken at %d, %v", wake, asked)
	}
	expect(t, len(harness.Advance(999*time.Millisecond)), 0)
	expect(t, stagetest.Texts(harness.Advance(time.Millisecond)), []string{"a"})
	if _, asked := harness.WakeAt(); asked {
		t.Fatal("the stage still asks to be woken")
	}
}

func TestAFreshInstanceKnowsWhatIsHeld(t *testing.T) {
	rows := func(from, to int) (rows []stagetest.Row) {
		for index := from; index < to; index++ {
			rows = append(rows, of(fmt.Sprint(index), fmt.Sprint(index%3)))
		}
		return rows
	}
	for cut := range 9 {
		steady, replaced := stagetest.New(t, triplesPlugin, "{}"), stagetest.New(t, triplesPlugin, "{}")
		one, other := steady.PushRows(rows(0, cut)...), replaced.PushRows(rows(0, cut)...)
		expect(t, len(replaced.Replay()), 0)
		expect(t, replaced.Held(), steady.Held())
		one, other = append(one, steady.PushRows(rows(cut, 9)...)...), append(other, replaced.PushRows(rows(cut, 9)...)...)
		if !slices.EqualFunc(one, other, stagetest.Row.Equal) {
			t.Fatalf("cut at %d: %v and %v", cut, one, other)
		}
	}
}

func TestPlacesOfStreamsGoneAreUsedAgain(t *testing.T) {
	harness := stagetest.New(t, triplesPlugin, "{}")
	for round := range 1_000 {
		row := of("x", fmt.Sprint(round))
		if out := harness.PushRows(row, row, row); len(out) != 1 {
			t.Fatalf("%v came out", out)
		}
	}
}

// acts does what its settings say, to every row.
type acts struct {
	Declares []string `json:"declares"`
	Act      string   `json:"act"`
}

var actsPlugin = stage.Define(acts{}, func(settings acts, setup *stage.Setup) (stage.Stage, error) {
	for _, column := range settings.Declares {
		switch column {
		case "lines":
			setup.ReadsLines()
		case "timestamps":
			setup.ReadsTimestamps()
		case "labels":
			setup.ReadsLabels()
		case "fields":
			setup.ReadsEveryField()
		case "metadata":
			setup.ReadsEveryMetadata()
		default:
			setup.ReadsField(column)
		}
	}
	return &settings, nil
})

func (acts *acts) Process(batch *stage.Batch, _ int64) error {
	for entry := range batch.Entries() {
		switch acts.Act {
		case "line":
			_ = entry.Line()
		case "timestamp":
			_ = entry.Timestamp()
		case "label":
			_, _ = entry.Label("a")
		case "field":
			_, _ = entry.Field("a")
		case "metadata":
			_, _ = entry.Metadata("a")
		case "mixed":
			entry.SetLine("x")
		case "level":
			entry.SetLabel("level", entry.Line())
		case "again":
			entry.SetLine("first")
			entry.SetLine(entry.Line() + "?")
		case "all":
			all(entry)
		}
	}
	out := batch.Output()
	switch acts.Act {
	case "mixed":
		out.SetOrigins([]uint64{batch.ID(0)})
	case "short":
		out.SetLines(stage.Texts())
	case "overcount":
		out.CountDrops("x", 1)
	case "strangers":
		out.SetOrigins([]uint64{99})
	case "hold":
		out.Hold([]uint64{batch.ID(0)})
	case "invalid":
		out.SetLines(stage.Texts("\xff"))
	case "unsorted":
		var sets stage.LabelSets
		sets.Append(map[string]string{"a": "1"})
		out.SetLabels(sets)
	case "both":
		out.SetField(stage.FullField("f", stage.Texts("v")))
		batch.Entry(0).SetField("f", "w")
	case "relabel":
		return batch.Relabel(func(labels map[string]string) { labels["new"] = "1" })
	case "fail":
		return errors.New("no luck")
	}
	return nil
}

func all(entry stage.Entry) {
	entry.SetLine(entry.Line() + "!")
	entry.SetTimestamp(entry.Timestamp() + 1)
	field, has := entry.Field("f")
	if !has {
		field = "none"
	}
	entry.SetLabel("l", field)
	entry.RemoveLabel("gone")
	entry.SetField("new", entry.Line())
	entry.UnsetField("f")
	entry.SetMetadata("m", "v")
	entry.UnsetMetadata("gone")
	if entry.Line() == "drop" {
		entry.Drop("asked")
		entry.Drop("asked again")
	}
}

func actor(t testing.TB, act string, declares ...string) *stagetest.Harness {
	quoted := make([]string, len(declares))
	for index, column := range declares {
		quoted[index] = fmt.Sprintf("%q", column)
	}
	return stagetest.New(t, actsPlugin, fmt.Sprintf(`{"act": %q, "declares": [%s]}`, act, strings.Join(quoted, ",")))
}

func TestUndeclaredColumnsFailByName(t *testing.T) {
	for act, says := range map[string]string{
		"line":      "uses lines without declaring it: its configure must call setup.ReadsLines()",
		"timestamp": "setup.ReadsTimestamps()",
		"label":     "setup.ReadsLabels()",
		"field":     `setup.ReadsField("a")`,
		"metadata":  `setup.ReadsMetadata("a")`,
		"relabel":   "setup.ReadsLabels()",
	} {
		if _, err := actor(t, act).TryPush(stagetest.Lines("x")...); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", act, err)
		}
	}
	expect(t, actor(t, "field", "a").Push("x"), []string{"x"})
}

func TestEverythingAnEntryCanChangeChanges(t *testing.T) {
	row := func(line string) stagetest.Row {
		return stagetest.Row{
			Line: line, Timestamp: 1,
			Labels:   map[string]string{"gone": "1", "kept": "1"},
			Fields:   map[string]string{},
			Metadata: map[string]string{"gone": "1"},
		}
	}
	a, b := row("a"), row("b")
	a.Fields["f"] = "x"
	b.Metadata["kept"] = "1"
	harness := actor(t, "all", "lines", "timestamps", "labels", "fields", "metadata")
	out := harness.PushRows(a, row("drop"), b)
	changed := func(line, f string, metadata map[string]string) stagetest.Row {
		metadata["m"] = "v"
		return stagetest.Row{
			Line: line + "!", Timestamp: 2, Labels: map[string]string{"kept": "1", "l": f},
			Fields: map[string]string{"new": line}, Metadata: metadata,
		}
	}
	want := []stagetest.Row{
		changed("a", "x", map[string]string{}), changed("b", "none", map[string]string{"kept": "1"}),
	}
	if !slices.EqualFunc(out, want, stagetest.Row.Equal) {
		t.Errorf("%v came out, expected %v", out, want)
	}
	expect(t, []int{harness.Dropped("asked"), harness.Dropped("asked again"), harness.Merged()}, []int{1, 0, 0})
}

func TestTheLastValueOfARowCounts(t *testing.T) {
	expect(t, actor(t, "again", "lines").Push("a", "b"), []string{"a?", "b?"})
}

func TestAThousandValuesOfALabelMakeAThousandSets(t *testing.T) {
	var rows []stagetest.Row
	for index := range 2_000 {
		rows = append(rows, of(fmt.Sprint(index%1_000), fmt.Sprint(index%2)))
	}
	for index, row := range actor(t, "level", "lines", "labels").PushRows(rows...) {
		want := map[string]string{"s": fmt.Sprint(index % 2), "level": fmt.Sprint(index % 1_000)}
		if !reflect.DeepEqual(row.Labels, want) {
			t.Fatalf("row %d has %v, expected %v", index, row.Labels, want)
		}
	}
}

func TestRelabelChangesSetBySet(t *testing.T) {
	out := actor(t, "relabel", "labels").PushRows(of("a", "1"), of("b", "2"))
	expect(t, out[1].Labels, map[string]string{"s": "2", "new": "1"})
}

func TestContradictionsFailTheCall(t *testing.T) {
	for act, says := range map[string]string{
		"mixed": "sets origins", "both": "both as a whole column", "fail": "no luck",
	} {
		_, err := actor(t, act, "lines", "f").TryPush(stagetest.Lines("x")...)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", act, err)
		}
	}
}

// fatal is a test that may fail: it keeps what it would have said.
type fatal struct {
	testing.TB
	said string
}

func (fatal *fatal) Helper() {}

func (fatal *fatal) Fatalf(format string, arguments ...any) {
	fatal.said = fmt.Sprintf(format, arguments...)
	runtime.Goexit()
}

func TestBreachesOfTheContractFailTheTest(t *testing.T) {
	for act, says := range map[string]string{
		"short":     "lines: 0 values for 1",
		"overcount": "1 rows counted as dropped, but only 0 vanished",
		"strangers": "origin 99 is neither of the batch nor held",
		"hold":      "setup.Holds()",
		"invalid":   "not UTF-8",
	} {
		inner := &fatal{TB: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			actor(inner, act, "lines").Push("x")
		}()
		<-done
		if !strings.Contains(inner.said, says) {
			t.Errorf("%s: %q", act, inner.said)
		}
	}
}

func TestTenThousandCallsDoNotGrow(t *testing.T) {
	harness := actor(t, "all", "lines", "timestamps", "labels", "fields", "metadata")
	row := of("line", "s")
	var before, after runtime.MemStats
	for call := range 10_000 {
		if call == 1_000 {
			runtime.GC()
			runtime.ReadMemStats(&before)
		}
		harness.PushRows(row, row)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if after.HeapAlloc > before.HeapAlloc+64<<10 {
		t.Errorf("the heap grew from %d to %d bytes", before.HeapAlloc, after.HeapAlloc)
	}
}

type nested struct {
	Name   string         `json:"name"`
	Count  uint8          `json:"count"`
	Values map[string]int `json:"values"`
	Inner  struct {
		Deep bool `json:"deep"`
	} `json:"inner"`
	List  []struct{ A int } `json:"list"`
	Maybe *int              `json:"maybe"`
}

func TestSettingsAreRefusedByName(t *testing.T) {
	plugin := stage.Define(nested{Name: "x", Values: map[string]int{"a": 1}}, func(settings nested, _ *stage.Setup) (stage.Stage, error) {
		if settings.Values["b"] != 0 {
			return nil, stage.Refuse("values.b", "is %d", settings.Values["b"])
		}
		return &acts{}, nil
	})
	for settings, says := range map[string]string{
		`{"nome": 1}`:                  "unknown setting `nome`: expected one of `name`, `count`,",
		`{"Name": "x"}`:                "unknown setting `Name`",
		`{"name": "a", "name": "b"}`:   "setting `name` is given twice",
		`{"name": null}`:               "setting `name`: got null, needs a text",
		`{"name": 1}`:                  "setting `name`: got number, needs a text",
		`{"count": 300}`:               "setting `count`: got number 300, needs a whole number from 0 that fits 8 bits",
		`{"inner": {"depp": true}}`:    "unknown setting `inner.depp`: expected `deep`",
		`{"inner": {"deep": "true"}}`:  "setting `inner.deep`: got string, needs true or false",
		`{"list": [{"A": 1}, {"B"}]}`:  "no JSON",
		`{"list": [{"A": 1, "B": 2}]}`: "unknown setting `list[0].B`",
		`{"values": {"b": 2}}`:         "setting `values.b`: is 2",
		`{"name": "a"} {}`:             "no JSON",
		`[]`:                           "the settings: got array, needs an object",
		`{`:                            "no JSON",
	} {
		if refusal := stagetest.Refusal(t, plugin, settings); !strings.Contains(refusal, says) {
			t.Errorf("%s is refused with %q, expected %q", settings, refusal, says)
		}
	}
	stagetest.New(t, plugin, `{"maybe": null, "values": {"c": 1}}`)
	none := stage.Define(struct{}{}, func(struct{}, *stage.Setup) (stage.Stage, error) { return &acts{}, nil })
	if refusal := stagetest.Refusal(t, none, `{"a": 1}`); !strings.Contains(refusal, "there are no settings") {
		t.Error(refusal)
	}
}

func TestDefaultsAreNotShared(t *testing.T) {
	defaults := nested{Values: map[string]int{"a": 1}}
	seen := []int{}
	plugin := stage.Define(defaults, func(settings nested, _ *stage.Setup) (stage.Stage, error) {
		seen = append(seen, len(settings.Values))
		return &acts{}, nil
	})
	stagetest.New(t, plugin, `{"values": {"b": 1}}`)
	stagetest.New(t, plugin, `{}`)
	expect(t, seen, []int{2, 1})
}

func TestFieldsAreSparseOnlyWhereTheyMustBe(t *testing.T) {
	field := stage.NewField("f")
	for row := range 9 {
		field.Append(fmt.Sprint(row))
	}
	field.AppendNone()
	field.Append("last")
	for row := range 11 {
		if _, has := field.At(row); has != (row != 9) {
			t.Errorf("row %d: %v", row, has)
		}
	}
	edit := stage.NewFieldEdit("f", field, 11)
	edit.Set(9, "found")
	edit.Unset(10)
	edit.Set(10, "again")
	edit.Set(0, "zero")
	finished := edit.Finish()
	for row, want := range map[int]string{0: "zero", 8: "8", 9: "found", 10: "again"} {
		if is, has := finished.At(row); is != want || !has {
			t.Errorf("row %d: %q, %v", row, is, has)
		}
	}
}

func TestLabelNames(t *testing.T) {
	for name, want := range map[string]bool{"a": true, "_a1": true, "Z9": true, "": false, "1a": false, "a-b": false, "é": false, "@": false, "`": false} {
		if stage.IsLabelName(name) != want {
			t.Errorf("%q: not %v", name, want)
		}
	}
}

func expect(t *testing.T, is, want any) {
	t.Helper()
	if !reflect.DeepEqual(is, want) {
		t.Errorf("is %v, expected %v", is, want)
	}
}
