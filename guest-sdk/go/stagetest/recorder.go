package stagetest

import (
	"fmt"
	"slices"
	"strings"

	"millstream.internal/stage/contract"
)

// Message is what a stage wrote to the agent's log.
type Message struct {
	Level contract.Level
	Text  string
}

// recorder is the host of a harness.
type recorder struct {
	kernels
	configuring bool
	messages    []Message
	metrics     []registered
	values      map[string]float64
}

type registered struct {
	kind   contract.MetricKind
	name   string
	labels []string
}

func (recorder *recorder) Log(level contract.Level, message string) {
	recorder.messages = append(recorder.messages, Message{level, message})
}

// Register answers the same handle for the same metric, because a stage that replay makes anew goes on counting.
func (recorder *recorder) Register(
	kind contract.MetricKind, name, _ string, labels []string, _ []float64,
) (uint32, error) {
	if !recorder.configuring {
		recorder.fault("the metric `%s` is registered outside configure", name)
	}
	for handle, other := range recorder.metrics {
		if other.name == name {
			if other.kind != kind || !slices.Equal(other.labels, labels) {
				return 0, fmt.Errorf("the metric `%s` is registered twice, and differently", name)
			}
			return uint32(handle), nil
		}
	}
	recorder.metrics = append(recorder.metrics, registered{kind, strings.Clone(name), slices.Clone(labels)})
	return uint32(len(recorder.metrics) - 1), nil
}

func (recorder *recorder) Add(metric uint32, labelValues []string, value float64) {
	if key, known := recorder.series(metric, labelValues); known {
		if recorder.metrics[metric].kind == contract.Counter && value < 0 {
			recorder.fault("the counter `%s` is told to add %v", recorder.metrics[metric].name, value)
		}
		recorder.values[key] += value
	}
}

func (recorder *recorder) Set(metric uint32, labelValues []string, value float64) {
	if key, known := recorder.series(metric, labelValues); known {
		recorder.values[key] = value
	}
}

func (recorder *recorder) series(metric uint32, values []string) (string, bool) {
	if int(metric) >= len(recorder.metrics) {
		recorder.fault("no metric has the handle %d", metric)
		return "", false
	}
	if of := recorder.metrics[metric]; len(values) != len(of.labels) {
		recorder.fault("the metric `%s` has the labels %q, and is given %q", of.name, of.labels, values)
		return "", false
	}
	if recorder.values == nil {
		recorder.values = map[string]float64{}
	}
	return seriesKey(metric, values), true
}

func seriesKey(metric uint32, values []string) string { return fmt.Sprintf("%d %q", metric, values) }
