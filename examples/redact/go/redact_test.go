package main

import (
	"strings"
	"testing"

	"millstream.internal/stage/stagetest"
)

func TestCases(t *testing.T) { stagetest.Cases(t, Plugin, "cases") }

func TestCountsByKind(t *testing.T) {
	stage := stagetest.New(t, Plugin, `{}`)
	stage.Push("4111111111111111 and 900101-1234567", "5500 0000 0000 0004")
	if cards, residents := stage.Metric("redacted_total", "card"), stage.Metric("redacted_total", "resident"); cards != 2 || residents != 1 {
		t.Errorf("%v cards and %v residents", cards, residents)
	}
}

func TestCardsHave13To19Digits(t *testing.T) {
	stage := stagetest.New(t, Plugin, `{}`)
	for line, want := range map[string]string{
		"411111111117":         "411111111117",
		"4111111111119":        "*********1119",
		"4111111111111111110":  "***************1110",
		"41111111111111111115": "41111111111111111115",
	} {
		if out := stage.Push(line); out[0] != want {
			t.Errorf("%s became %s, expected %s", line, out[0], want)
		}
	}
}

func TestLongRunsOfDigitsPass(t *testing.T) {
	stage := stagetest.New(t, Plugin, `{"resident_numbers": false}`)
	long := strings.Repeat("4", 100_000)
	if out := stage.Push(long); out[0] != long {
		t.Error("a number of 100,000 digits was changed")
	}
}

func BenchmarkProcess(b *testing.B) {
	stage := stagetest.New(b, Plugin, `{}`)
	lines := make([]string, 1000)
	for row := range lines {
		lines[row] = "2026-01-02T03:04:05.678Z INFO 1 --- [nio-8080-exec-7] c.e.ticketon.PaymentService : paid order 8812 with 4111-1111-1111-1111 in 37 ms"
	}
	for b.Loop() {
		stage.Push(lines...)
	}
}
