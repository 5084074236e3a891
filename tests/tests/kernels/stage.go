// Command kernels runs the kernel that its settings name. The suite `kernels` runs its like in every language on the
// same cases.
package main

import (
	"errors"
	"strconv"
	"strings"

	"millstream.internal/stage"
)

// Settings say what to do.
type Settings struct {
	Act string `json:"act"`
}

// Plugin is the stage.
var Plugin = stage.Define(Settings{}, configure)

func init() { stage.Export(Plugin) }

func main() {}

type kernels struct {
	act                 string
	pair, number, debug stage.Pattern
	user                stage.Pointers
	counter             stage.Counter
}

func configure(settings Settings, setup *stage.Setup) (stage.Stage, error) {
	var problems [5]error
	kernels := &kernels{act: settings.Act}
	kernels.pair, problems[0] = setup.Pattern("(?P<key>[a-z]+)=(?P<value>[0-9]*)")
	kernels.number, problems[1] = setup.Pattern("(?P<n>[0-9]{2,})$|[0-9]{4}")
	kernels.debug, problems[2] = setup.Pattern(`^(DEBUG|TRACE)\b`)
	kernels.user, problems[3] = setup.Pointers(map[string]string{
		"level": "/level", "user": "/user/name", "tags": "/user/tags", "first": "/user/tags/0",
	})
	kernels.counter, problems[4] = setup.Counter("kernels_total", "What kernels answered.")
	return kernels, errors.Join(problems[:]...)
}

func (kernels *kernels) Process(batch *stage.Batch, _ int64) error {
	text := stage.OfField("text")
	count := 0
	switch kernels.act {
	case "extract":
		count = batch.Extract(kernels.pair, stage.OfLines, stage.IntoFields)
	case "beside":
		count = batch.Extract(kernels.pair, text, stage.IntoMetadata)
	case "replace":
		count = batch.Replace(kernels.number, stage.OfLines, "<${n}$1$$>")
	case "mask":
		var patches []stage.Span
		for _, found := range batch.Find(kernels.number, stage.OfLines) {
			if number, err := strconv.Atoi(found.Text); err == nil && number%2 == 0 {
				found.Text = strings.Repeat("é", len(found.Text))
				patches = append(patches, found)
			}
		}
		batch.Splice(stage.OfLines, patches)
		count = len(patches)
	case "drop":
		rows := batch.Matches(kernels.debug, stage.OfLines)
		count = rows.Len()
		batch.DropRows(rows, "debug")
	case "keep":
		batch.DropRows(batch.Matches(kernels.debug, stage.OfLines).Others(), "other")
	case "pluck":
		count = batch.Pluck(kernels.user, stage.OfLines, stage.IntoFields)
	case "sum":
		batch.Replace(kernels.pair, text, "x=1")
		batch.Extract(kernels.pair, text, stage.IntoFields)
		if values := batch.Read(stage.OfField("value")); values != nil {
			for row := range values.Len() {
				value, _ := values.At(row)
				number, _ := strconv.Atoi(value)
				count += number
			}
		}
		if batch.Read(stage.OfMetadata("nowhere")) != nil {
			return errors.New("read what is not there")
		}
	}
	if count > 0 {
		kernels.counter.Add(float64(count))
	}
	return nil
}
