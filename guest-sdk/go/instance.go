package stage

import (
	"slices"

	"millstream.internal/stage/contract"
)

// Instance is a configured stage behind the contract's types: what the sandbox exports and what stagetest drives.
// Both run this code and no other.
type Instance struct {
	stage    Stage
	interest contract.Interest
	host     contract.Host
}

// Configure makes an instance from settings as JSON.
func Configure(plugin *Plugin, settings string, host contract.Host) (*Instance, error) {
	setup := &Setup{host: host}
	stage, err := plugin.configure(settings, setup)
	if err != nil {
		return nil, err
	}
	return &Instance{stage, setup.interest, host}, nil
}

// Interest is what the stage declared.
func (instance *Instance) Interest() contract.Interest {
	interest := instance.interest
	interest.Fields = slices.Clone(interest.Fields)
	interest.Metadata = slices.Clone(interest.Metadata)
	return interest
}

// Process handles a batch.
func (instance *Instance) Process(batch *contract.LogBatch, now int64) (*contract.LogEdit, error) {
	seen := newBatch(batch, &instance.interest, instance.host)
	if err := instance.stage.Process(seen, now); err != nil {
		return nil, err
	}
	return seen.finish()
}

// Tick tells the stage that the time it asked for has come.
func (instance *Instance) Tick(now int64) (*contract.LogEdit, error) {
	var out Output
	if stage, ok := instance.stage.(Ticker); ok {
		if err := stage.Tick(&out, now); err != nil {
			return nil, err
		}
	}
	return out.raw(), nil
}

// Flush tells the stage that no more batches will come.
func (instance *Instance) Flush(now int64) (*contract.LogEdit, error) {
	var out Output
	if stage, ok := instance.stage.(Flusher); ok {
		if err := stage.Flush(&out, now); err != nil {
			return nil, err
		}
	}
	return out.raw(), nil
}
