// Command {{name}} drops access-log entries of one path and labels the others by the class of their status.
package main

import (
	"strings"

	"millstream.internal/stage"
)

// Settings are what the manifest says; a setting that is not here is refused by name.
type Settings struct {
	// DropPath is the path whose entries are dropped, as long as they succeed.
	DropPath string `json:"drop_path"`
}

// Plugin is the stage and the settings it starts from.
var Plugin = stage.Define(Settings{DropPath: "/health"}, configure)

func init() { stage.Export(Plugin) }

func main() {}

type accessLog struct {
	dropPath string
	statuses stage.Counter
}

// configure checks the settings and declares what the stage reads or changes: nothing else crosses into the sandbox.
func configure(settings Settings, setup *stage.Setup) (stage.Stage, error) {
	if !strings.HasPrefix(settings.DropPath, "/") {
		return nil, stage.Refuse("drop_path", "must begin with a slash, not be %q", settings.DropPath)
	}
	setup.ReadsLines()
	setup.ReadsLabels()
	statuses, err := setup.Counter("statuses_total", "Entries by the class of their status.", "class")
	return &accessLog{settings.DropPath, statuses}, err
}

// Process handles a batch of lines like `GET /orders 200`. A line that looks otherwise passes unchanged.
func (log *accessLog) Process(batch *stage.Batch, _ int64) error {
	classes := map[string]float64{}
	for entry := range batch.Entries() {
		words := strings.Fields(entry.Line())
		if len(words) != 3 || len(words[2]) != 3 {
			continue
		}
		class := words[2][:1] + "xx"
		if words[1] == log.dropPath && class == "2xx" {
			entry.Drop("uninteresting")
			continue
		}
		entry.SetLabel("status", class)
		classes[class]++
	}
	for class, count := range classes {
		log.statuses.Add(count, class)
	}
	return nil
}
