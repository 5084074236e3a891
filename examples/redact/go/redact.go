// Command redact masks card and resident-registration numbers in lines, and counts what it masked.
package main

import (
	"unicode/utf8"

	"millstream.internal/stage"
)

// Settings are the manifest's.
type Settings struct {
	Cards           bool   `json:"cards"`
	ResidentNumbers bool   `json:"resident_numbers"`
	Mask            string `json:"mask"`
}

// Plugin is the stage and the settings it starts from.
var Plugin = stage.Define(Settings{Cards: true, ResidentNumbers: true, Mask: "*"}, configure)

func init() { stage.Export(Plugin) }

func main() {}

type redact struct {
	scanner  scanner
	redacted stage.Counter
}

func configure(settings Settings, setup *stage.Setup) (stage.Stage, error) {
	if !settings.Cards && !settings.ResidentNumbers {
		return nil, stage.Refuse("cards", "with `resident_numbers` off too there is nothing to mask")
	}
	if utf8.RuneCountInString(settings.Mask) != 1 {
		return nil, stage.Refuse("mask", "must be exactly one character, not %q", settings.Mask)
	}
	setup.ReadsLines()
	redacted, err := setup.Counter("redacted_total", "Numbers masked.", "kind")
	scanner := scanner{cards: settings.Cards, residents: settings.ResidentNumbers, mask: settings.Mask}
	return &redact{scanner, redacted}, err
}

// Process masks the lines of a batch.
func (redact *redact) Process(batch *stage.Batch, _ int64) error {
	scanner := &redact.scanner
	for entry := range batch.Entries() {
		if scanner.scan(entry.Line()) {
			entry.SetLineBytes(scanner.masked)
		}
	}
	redact.count("card", &scanner.foundCards)
	redact.count("resident", &scanner.foundResidents)
	return nil
}

func (redact *redact) count(kind string, found *int) {
	if *found > 0 {
		redact.redacted.Add(float64(*found), kind)
	}
	*found = 0
}
