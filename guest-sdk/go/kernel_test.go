package stage_test

import (
	"slices"
	"strings"
	"testing"

	"millstream.internal/stage"
	"millstream.internal/stage/stagetest"
)

// odds drops the rows that match, or those that do not.
type odds struct {
	odd    stage.Pattern
	others bool
	seen   []int
}

func (odds *odds) Process(batch *stage.Batch, _ int64) error {
	rows := batch.Matches(odds.odd, stage.OfLines)
	if odds.others {
		rows = rows.Others()
	}
	odds.seen = slices.Collect(rows.All())
	for row := range batch.Len() {
		if rows.Has(row) != slices.Contains(odds.seen, row) || rows.Len() != len(odds.seen) {
			return stage.Refuse("odd", "row %d is told in two ways", row)
		}
	}
	batch.DropRows(rows, "odd")
	return nil
}

func TestRowsAreThoseThatMatch(t *testing.T) {
	for _, others := range []bool{false, true} {
		plugin := stage.Define(struct{}{}, func(_ struct{}, setup *stage.Setup) (stage.Stage, error) {
			odd, err := setup.Pattern("[13579]$")
			return &odds{odd: odd, others: others}, err
		})
		for _, count := range []int{0, 1, 7, 8, 9, 100} {
			lines := make([]string, count)
			var kept []string
			for row := range lines {
				lines[row] = strings.Repeat("x", row) + string(rune('0'+row%10))
				if (row%2 == 1) == others {
					kept = append(kept, lines[row])
				}
			}
			harness := stagetest.New(t, plugin, "{}")
			if out := harness.Push(lines...); !slices.Equal(out, kept) {
				t.Errorf("%d lines, others %v: %q came out", count, others, out)
			}
			if dropped := harness.Dropped("odd"); dropped != count-len(kept) {
				t.Errorf("%d lines, others %v: %d dropped", count, others, dropped)
			}
		}
	}
}

func TestAnExpressionThatIsNotRE2IsRefused(t *testing.T) {
	plugin := stage.Define(struct{}{}, func(_ struct{}, setup *stage.Setup) (stage.Stage, error) {
		_, err := setup.Pattern("a(?=b)")
		return &odds{}, err
	})
	if refusal := stagetest.Refusal(t, plugin, "{}"); !strings.Contains(refusal, "(?=") {
		t.Error(refusal)
	}
}
