package stage

import (
	"fmt"
	"slices"

	"millstream.internal/stage/contract"
)

// Setup collects what a stage declares while it is configured. What is not declared does not cross into the sandbox,
// which is most of a stage's speed.
type Setup struct {
	interest contract.Interest
	host     contract.Host
}

// ReadsLines declares that the stage reads or changes lines.
func (setup *Setup) ReadsLines() { setup.interest.Lines = true }

// ReadsTimestamps declares that the stage reads or changes timestamps.
func (setup *Setup) ReadsTimestamps() { setup.interest.Timestamps = true }

// ReadsLabels declares that the stage reads or changes labels, or tells streams apart.
func (setup *Setup) ReadsLabels() { setup.interest.Labels = true }

// ReadsField declares a field that the stage reads or changes: a value extracted by an earlier stage or by itself.
func (setup *Setup) ReadsField(name string) { addName(&setup.interest.Fields, name) }

// ReadsEveryField declares that the stage does not know beforehand which fields it reads. All of them cross.
func (setup *Setup) ReadsEveryField() { setup.ReadsField(contract.Every) }

// ReadsMetadata declares structured metadata that the stage reads or changes.
func (setup *Setup) ReadsMetadata(name string) { addName(&setup.interest.Metadata, name) }

// ReadsEveryMetadata declares that the stage does not know beforehand which metadata it reads. All of it crosses.
func (setup *Setup) ReadsEveryMetadata() { setup.ReadsMetadata(contract.Every) }

// Holds declares that the stage keeps entries back across calls (see [Hold]).
func (setup *Setup) Holds() { setup.interest.Holds = true }

// Counter registers a counter.
func (setup *Setup) Counter(name, help string, labels ...string) (Counter, error) {
	metric, err := setup.register(contract.Counter, name, help, labels, nil)
	return Counter{metric}, err
}

// Gauge registers a gauge.
func (setup *Setup) Gauge(name, help string, labels ...string) (Gauge, error) {
	metric, err := setup.register(contract.Gauge, name, help, labels, nil)
	return Gauge{metric}, err
}

// Histogram registers a histogram with these upper bounds.
func (setup *Setup) Histogram(name, help string, buckets []float64, labels ...string) (Histogram, error) {
	metric, err := setup.register(contract.Histogram, name, help, labels, buckets)
	return Histogram{metric}, err
}

// Log is the agent's own log, for the stage to keep.
func (setup *Setup) Log() Log { return Log{setup.host} }

func (setup *Setup) register(
	kind contract.MetricKind, name, help string, labels []string, buckets []float64,
) (metric, error) {
	handle, err := setup.host.Register(kind, name, help, labels, buckets)
	if err != nil {
		return metric{}, fmt.Errorf("register the metric `%s`: %w", name, err)
	}
	return metric{setup.host, handle}, nil
}

func addName(names *[]string, name string) {
	if !slices.Contains(*names, name) {
		*names = append(*names, name)
	}
}

func declares(names []string, name string) bool {
	return slices.Contains(names, name) || slices.Contains(names, contract.Every)
}
