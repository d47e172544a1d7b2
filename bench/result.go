package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// Result is one line of the table and one object of latest.json.
type Result struct {
	Name            string  `json:"name"`
	Unit            string  `json:"unit"`
	Median          float64 `json:"median"`
	Min             float64 `json:"min"`
	Max             float64 `json:"max"`
	Runs            int     `json:"runs"` // 0: not measured, Reference says why
	Reference       string  `json:"reference"`
	ReferenceMedian float64 `json:"reference_median"`
	Ratio           float64 `json:"ratio"` // median over reference_median; 0 without a reference
	Command         string  `json:"command"`

	aim   string // what it should be, for the table
	holds string // "yes", "NO" or "" when there is no aim
	note  string // one line below the table row
}

// measured makes a Result of repeated measurements.
func measured(name, unit string, runs []float64) Result {
	r := Result{Name: name, Unit: unit, Runs: len(runs)}
	if len(runs) > 0 {
		r.Median, r.Min, r.Max = median(runs), slices.Min(runs), slices.Max(runs)
	}
	return r
}

// unmeasured makes a Result that says why there is no figure.
func unmeasured(name, unit string, why error) Result {
	text := "not measured: " + oneLine(why.Error())
	return Result{Name: name, Unit: unit, Reference: text, note: text}
}

// against adds the reference, measured in the same runs. Empty refs with a reason in name are allowed.
func (r Result) against(name string, refs []float64) Result {
	r.Reference = name
	if len(refs) > 0 {
		r.ReferenceMedian = median(refs)
		if r.ReferenceMedian != 0 {
			r.Ratio = r.Median / r.ReferenceMedian
		}
	}
	return r
}

// aimed adds what the figure should be and whether it is.
func (r Result) aimed(text string, holds bool) Result {
	r.aim, r.holds = text, "NO"
	if holds {
		r.holds = "yes"
	}
	return r
}

func (r Result) noted(format string, args ...any) Result {
	r.note = fmt.Sprintf(format, args...)
	return r
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if len(s) == 0 {
		return 0
	}
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// writeResults writes the list that latest.json is, through a temporary file, so that readers never see half of it.
func writeResults(path string, results []Result) error {
	b, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	temp := path + ".new"
	if err := os.WriteFile(temp, append(b, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(temp, path)
}

// printTable prints the results in aligned columns; notes follow their row.
func printTable(w io.Writer, results []Result) {
	rows := [][]string{{"row", "median", "min … max", "unit", "aim", "holds", "reference", "its median", "ratio"}}
	for _, r := range results {
		line := []string{r.Name, figure(r.Median), figure(r.Min) + " … " + figure(r.Max), r.Unit, r.aim, r.holds, r.Reference, "", ""}
		if r.Runs == 0 {
			line[1], line[2], line[6] = "–", "", "" // the reason follows as a note
		}
		if r.ReferenceMedian != 0 {
			line[7], line[8] = figure(r.ReferenceMedian), fmt.Sprintf("%.2f", r.Ratio)
		}
		rows = append(rows, line)
	}
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for n, row := range rows {
		for i, cell := range row {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if i == 1 || i == 7 || i == 8 {
				cell, pad = pad+cell, ""
			}
			fmt.Fprint(w, cell, pad, "  ")
		}
		fmt.Fprintln(w)
		if n > 0 && results[n-1].note != "" {
			fmt.Fprintln(w, "    "+results[n-1].note)
		}
	}
}

// figure prints v with about four digits.
func figure(v float64) string {
	switch a := max(v, -v); {
	case a >= 1000 || a == 0:
		return fmt.Sprintf("%.0f", v)
	case a >= 100:
		return fmt.Sprintf("%.1f", v)
	case a >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

func oneLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}
