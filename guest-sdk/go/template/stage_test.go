package main

import (
	"strings"
	"testing"

	"millstream.internal/stage/stagetest"
)

func TestCases(t *testing.T) { stagetest.Cases(t, Plugin, "cases") }

func TestDropsOnlySuccess(t *testing.T) {
	stage := stagetest.New(t, Plugin, `{"drop_path": "/ready"}`)
	if out := stage.Push("GET /ready 200", "GET /ready 503"); len(out) != 1 || stage.Dropped("uninteresting") != 1 {
		t.Errorf("%q came out", out)
	}
}

func TestRefusesAPathWithoutSlash(t *testing.T) {
	if refusal := stagetest.Refusal(t, Plugin, `{"drop_path": "ready"}`); !strings.Contains(refusal, "`drop_path`") {
		t.Error(refusal)
	}
}
