// Command idle gets every line and does nothing: the price of the crossing.
package main

import "millstream.internal/stage"

type Settings struct{}

var Plugin = stage.Define(Settings{}, configure)

func init() { stage.Export(Plugin) }

func main() {}

type idle struct{}

func configure(_ Settings, setup *stage.Setup) (stage.Stage, error) {
	setup.ReadsLines()
	return idle{}, nil
}

func (idle) Process(*stage.Batch, int64) error { return nil }
