// Command kernels finds the level of a line, and two values of a line of JSON: by Go, and by the host.
package main

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"

	"millstream.internal/stage"
)

const level = `.*(?P<level>INFO|WARN|ERROR|DEBUG|TRACE).*`

// Settings say what to do.
type Settings struct {
	Act string `json:"act"`
}

// Plugin is the stage.
var Plugin = stage.Define(Settings{}, configure)

func init() { stage.Export(Plugin) }

func main() {}

type kernels struct {
	act      string
	own      *regexp.Regexp
	host     stage.Pattern
	pointers stage.Pointers
}

func configure(settings Settings, setup *stage.Setup) (stage.Stage, error) {
	host, wrong := setup.Pattern(level)
	pointers, bad := setup.Pointers(map[string]string{"level": "/level", "message": "/message"})
	if strings.HasPrefix(settings.Act, "own") {
		setup.ReadsLines()
	}
	return &kernels{settings.Act, regexp.MustCompile(level), host, pointers}, errors.Join(wrong, bad)
}

func (kernels *kernels) Process(batch *stage.Batch, _ int64) error {
	switch kernels.act {
	case "host-level":
		batch.Extract(kernels.host, stage.OfLines, stage.IntoFields)
		return nil
	case "host-json":
		batch.Pluck(kernels.pointers, stage.OfLines, stage.IntoFields)
		return nil
	}
	lines, err := batch.Lines()
	if err != nil {
		return err
	}
	levels, messages := stage.NewField("level"), stage.NewField("message")
	if kernels.act == "own-level" {
		for row := range lines.Len() {
			if found := kernels.own.FindStringSubmatch(lines.At(row)); found != nil {
				levels.Append(found[1])
			} else {
				levels.AppendNone()
			}
		}
		batch.Output().SetField(levels)
		return nil
	}
	for row := range lines.Len() {
		var document struct{ Level, Message string }
		if err := json.Unmarshal([]byte(lines.At(row)), &document); err != nil {
			return err
		}
		levels.Append(document.Level)
		messages.Append(document.Message)
	}
	batch.Output().SetField(levels)
	batch.Output().SetField(messages)
	return nil
}
