package stagetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"millstream.internal/stage"
)

// Cases runs every case under folder as a subtest of its name: settings.json and input.jsonl go in, expected.jsonl is
// what has to come out. `millstream plugin test` runs the same folders in the sandbox.
func Cases(test *testing.T, plugin *stage.Plugin, folder string) {
	test.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		test.Fatalf("read the cases: %v", err)
	}
	found := false
	for _, entry := range entries {
		if entry.IsDir() {
			found = true
			test.Run(entry.Name(), func(test *testing.T) { runCase(test, plugin, filepath.Join(folder, entry.Name())) })
		}
	}
	if !found {
		test.Fatalf("there is no case in %s", folder)
	}
}

// instruction is a line of input.jsonl or expected.jsonl.
type instruction struct {
	Line      *string           `json:"line"`
	Timestamp *int64            `json:"timestamp"`
	Labels    map[string]string `json:"labels"`
	Fields    map[string]string `json:"fields"`
	Metadata  map[string]string `json:"metadata"`

	Batch  string `json:"batch"`
	Now    *int64 `json:"now"`
	Replay bool   `json:"replay"`

	Dropped map[string]int `json:"dropped"`
	Metric  string         `json:"metric"`
	Value   *float64       `json:"value"`
	Refused *string        `json:"refused"`
	Failed  *string        `json:"failed"`
}

func runCase(test *testing.T, plugin *stage.Plugin, folder string) {
	settings, err := os.ReadFile(filepath.Join(folder, "settings.json"))
	if errors.Is(err, fs.ErrNotExist) {
		settings, err = []byte("{}"), nil
	}
	if err != nil {
		test.Fatal(err)
	}
	input := instructions(test, filepath.Join(folder, "input.jsonl"))
	expected := instructions(test, filepath.Join(folder, "expected.jsonl"))
	harness, refused := configured(test, plugin, string(settings))
	for _, line := range expected {
		if line.Refused != nil {
			mustSay(test, "refuse", *line.Refused, refused)
			return
		}
	}
	if refused != nil {
		test.Fatalf("the stage refused %s: %v", settings, refused)
	}
	out, failed := harness.play(input)
	for _, line := range expected {
		if line.Failed != nil {
			mustSay(test, "fail", *line.Failed, failed)
			return
		}
	}
	if failed != nil {
		test.Fatalf("the stage failed: %v", failed)
	}
	harness.compare(expected, out)
}

// play sends a case's input through the stage.
func (harness *Harness) play(input []instruction) ([]Row, error) {
	harness.test.Helper()
	var out, rows []Row
	entries := int64(0)
	end := func() error {
		if len(rows) == 0 {
			return nil
		}
		came, err := harness.TryPush(rows...)
		out, rows = append(out, came...), nil
		return err
	}
	for _, line := range input {
		if line.Line != nil {
			row := Row{*line.Line, Start + entries, line.Labels, line.Fields, line.Metadata}
			if line.Timestamp != nil {
				row.Timestamp = *line.Timestamp
			}
			rows = append(rows, row)
			entries++
			continue
		}
		if err := end(); err != nil {
			return nil, err
		}
		switch {
		case line.Now != nil:
			came, err := harness.until(*line.Now)
			if err != nil {
				return nil, err
			}
			out = append(out, came...)
		case line.Replay:
			out = append(out, harness.Replay()...)
		case line.Batch != "next":
			harness.test.Fatal("a line of input.jsonl is neither an entry nor batch, now or replay")
		}
	}
	if err := end(); err != nil {
		return nil, err
	}
	last, err := harness.tryFlush()
	return append(out, last...), err
}

func (harness *Harness) compare(expected []instruction, out []Row) {
	test := harness.test
	test.Helper()
	rows := 0
	dropped := map[string]int{}
	for _, line := range expected {
		switch {
		case line.Line != nil:
			if rows < len(out) {
				want := Row{*line.Line, out[rows].Timestamp, line.Labels, line.Fields, line.Metadata}
				if line.Timestamp != nil {
					want.Timestamp = *line.Timestamp
				}
				if !out[rows].Equal(want) {
					test.Errorf("entry %d is\n  %v, expected\n  %v", rows, out[rows], want)
				}
			}
			rows++
		case line.Dropped != nil:
			dropped = line.Dropped
		case line.Metric != "":
			if line.Value == nil {
				test.Fatalf("the metric `%s` is expected without a value", line.Metric)
			}
			harness.compareMetric(line)
		}
	}
	if rows != len(out) {
		test.Errorf("%d entries came out, expected %d: %q", len(out), rows, Texts(out))
	}
	if is, want := fmt.Sprint(harness.drops), fmt.Sprint(dropped); is != want {
		test.Errorf("dropped is %s, expected %s", is, want)
	}
}

func (harness *Harness) compareMetric(line instruction) {
	harness.test.Helper()
	for _, metric := range harness.host.metrics {
		if metric.name != line.Metric {
			continue
		}
		var values []string
		for _, label := range metric.labels {
			values = append(values, line.Labels[label])
		}
		if is := harness.Metric(line.Metric, values...); is != *line.Value {
			harness.test.Errorf("%s%v is %v, expected %v", line.Metric, line.Labels, is, *line.Value)
		}
		return
	}
	harness.test.Errorf("no metric `%s` was registered", line.Metric)
}

func mustSay(test testing.TB, what, text string, err error) {
	test.Helper()
	if err == nil {
		test.Fatalf("the stage did not %s, expected %q", what, text)
	}
	if !strings.Contains(err.Error(), text) {
		test.Fatalf("the stage said %q, expected %q", err, text)
	}
}

// instructions reads a file of one JSON object a line, strictly.
func instructions(test testing.TB, path string) []instruction {
	test.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		test.Fatal(err)
	}
	var all []instruction
	for number, line := range bytes.Split(text, []byte("\n")) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var read instruction
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&read); err != nil {
			test.Fatalf("%s:%d: %v", path, number+1, err)
		}
		all = append(all, read)
	}
	return all
}
