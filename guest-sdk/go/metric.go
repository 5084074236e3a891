package stage

import (
	"fmt"

	"millstream.internal/stage/contract"
)

type metric struct {
	host   contract.Host
	handle uint32
}

// Counter only grows. Add up within a batch and call it once: every call crosses the sandbox.
type Counter struct{ metric metric }

// Add adds value, which is not negative, to the series with these label values, in the order they were registered.
func (counter Counter) Add(value float64, labelValues ...string) {
	counter.metric.host.Add(counter.metric.handle, labelValues, value)
}

// Gauge goes up and down.
type Gauge struct{ metric metric }

// Add adds value to the series with these label values.
func (gauge Gauge) Add(value float64, labelValues ...string) {
	gauge.metric.host.Add(gauge.metric.handle, labelValues, value)
}

// Set sets the series with these label values.
func (gauge Gauge) Set(value float64, labelValues ...string) {
	gauge.metric.host.Set(gauge.metric.handle, labelValues, value)
}

// Histogram counts observations by size.
type Histogram struct{ metric metric }

// Observe counts value in the series with these label values.
func (histogram Histogram) Observe(value float64, labelValues ...string) {
	histogram.metric.host.Add(histogram.metric.handle, labelValues, value)
}

// Log writes to the agent's own log, under the stage's name and rate-limited there.
type Log struct{ host contract.Host }

// Trace writes at level trace, formatted as by [fmt.Sprintf].
func (log Log) Trace(format string, arguments ...any) { log.at(contract.Trace, format, arguments) }

// Debug writes at level debug.
func (log Log) Debug(format string, arguments ...any) { log.at(contract.Debug, format, arguments) }

// Info writes at level info.
func (log Log) Info(format string, arguments ...any) { log.at(contract.Info, format, arguments) }

// Warn writes at level warn.
func (log Log) Warn(format string, arguments ...any) { log.at(contract.Warn, format, arguments) }

// Error writes at level error.
func (log Log) Error(format string, arguments ...any) { log.at(contract.Error, format, arguments) }

func (log Log) at(level contract.Level, format string, arguments []any) {
	log.host.Log(level, fmt.Sprintf(format, arguments...))
}
