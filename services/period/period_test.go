package period

import (
	"strings"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/services/cron"
)

// stamp reads a time of the tables: "2026-03-01", "2026-03-01 12:00" or "2026-03-01 12:00:05", with a zone as +02:00 where
// it matters; "-" is none.
func stamp(t *testing.T, text string) int64 {
	t.Helper()
	if text == "-" {
		return 0
	}
	for _, layout := range []string{"2006-01-02", "2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02 15:04Z07:00"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.Unix()
		}
	}
	t.Fatalf("not a time: %q", text)
	return 0
}

func show(at int64) string {
	if at == 0 {
		return "-"
	}
	text := time.Unix(at, 0).UTC().Format("2006-01-02 15:04:05")
	return strings.TrimSuffix(strings.TrimSuffix(text, ":00"), " 00:00")
}

// board is a tournament from "cron | start | end | duration".
func board(t *testing.T, text string) Board {
	t.Helper()
	part := strings.Split(text, " | ")
	d, err := time.ParseDuration(part[3])
	if err != nil {
		t.Fatal(err)
	}
	b := Board{Start: stamp(t, part[1]), End: stamp(t, part[2]), Duration: int64(d / time.Second)}
	if part[0] != "-" {
		s, err := cron.Parse(part[0])
		if err != nil {
			t.Fatal(err)
		}
		b.Resets = s
	}
	return b
}

// TestAt: every case of the reference's table of periods.
func TestAt(t *testing.T) {
	var b Board
	about := func(text string) { b = board(t, text) }
	at := func(now, want string) {
		t.Helper()
		p := b.At(stamp(t, now))
		if got := show(p.Start) + " | " + show(p.End) + " | " + show(p.Expiry); got != want {
			t.Errorf("at %s\n got %s\nwant %s", now, got, want)
		}
	}

	// no schedule: one period
	about("- | 2026-03-01 | - | 24h")
	at("2026-02-01", "2026-03-01 | 2026-03-02 | -")
	at("2026-03-01", "2026-03-01 | 2026-03-02 | -")
	at("2027-01-01", "2026-03-01 | 2026-03-02 | -")
	about("- | 2026-03-01 | 2026-03-01 18:00 | 24h")
	at("2026-03-01", "2026-03-01 | 2026-03-01 18:00 | 2026-03-01 18:00")
	about("- | 2026-03-01 | 2026-03-05 | 24h")
	at("2026-03-04", "2026-03-01 | 2026-03-02 | 2026-03-05")

	// a schedule, begun at one of its instants
	about("0 12 * * * | 2026-03-01 12:00 | - | 1h")
	at("2026-02-27", "2026-03-02 12:00 | 2026-03-02 13:00 | 2026-03-03 12:00") // before: the instant after the start
	at("2026-03-01 12:00", "2026-03-01 12:00 | 2026-03-01 13:00 | 2026-03-02 12:00")
	at("2026-03-01 12:59:59", "2026-03-01 12:00 | 2026-03-01 13:00 | 2026-03-02 12:00")
	at("2026-03-02 11:59:59", "2026-03-01 12:00 | 2026-03-01 13:00 | 2026-03-02 12:00") // over, not yet reset
	at("2026-03-02 12:00", "2026-03-02 12:00 | 2026-03-02 13:00 | 2026-03-03 12:00")

	// longer than its periods: cut at the reset
	about("0 12 * * * | 2026-03-01 12:00 | - | 100h")
	at("2026-03-05 00:00", "2026-03-04 12:00 | 2026-03-05 12:00 | 2026-03-05 12:00")

	// begun within an active time: a shorter first one
	about("0 0 * * * | 2026-03-01 06:00 | - | 12h")
	at("2026-03-01 06:00", "2026-03-01 06:00 | 2026-03-01 12:00 | 2026-03-02")
	at("2026-03-01 23:00", "2026-03-01 06:00 | 2026-03-01 12:00 | 2026-03-02")
	at("2026-03-02", "2026-03-02 | 2026-03-02 12:00 | 2026-03-03")

	// begun between two: the first is the next
	about("0 0 * * * | 2026-03-01 18:00 | - | 12h")
	at("2026-03-01 18:00", "2026-03-02 | 2026-03-02 12:00 | 2026-03-03")
	at("2026-03-01 23:59:59", "2026-03-02 | 2026-03-02 12:00 | 2026-03-03")
	at("2026-03-02", "2026-03-02 | 2026-03-02 12:00 | 2026-03-03")
	// exactly at the end of one: the table's step 2b, an active time of no length
	about("0 0 * * * | 2026-03-01 12:00 | - | 12h")
	at("2026-03-01 13:00", "2026-03-01 12:00 | 2026-03-01 12:00 | 2026-03-02")

	// an end cuts the last period
	about("0 0 * * * | 2026-03-01 | 2026-03-02 06:00 | 12h")
	at("2026-03-01", "2026-03-01 | 2026-03-01 12:00 | 2026-03-02")
	at("2026-03-02", "2026-03-02 | 2026-03-02 06:00 | 2026-03-02 06:00")
	about("0 0 * * * | 2026-03-01 | 2026-03-02 18:00 | 12h")
	at("2026-03-02 01:00", "2026-03-02 | 2026-03-02 12:00 | 2026-03-02 18:00")

	// leap days, months of all lengths, the end of a year
	about("0 0 29 2 * | 2024-02-29 | - | 24h")
	at("2026-06-01", "2024-02-29 | 2024-03-01 | 2028-02-29")
	at("2028-02-29 05:00", "2028-02-29 | 2028-03-01 | 2032-02-29")
	about("0 0 31 * * | 2026-01-01 | - | 720h")
	at("2026-02-15", "2026-01-31 | 2026-03-02 | 2026-03-31")
	about("0 0 1 * * | 2024-01-01 | - | 8760h")
	at("2024-02-29 23:59:59", "2024-02-01 | 2024-03-01 | 2024-03-01")
	at("2026-12-31 23:59:59", "2026-12-01 | 2027-01-01 | 2027-01-01")
	about("@yearly | 2026-01-01 | - | 1h")
	at("2026-12-31 23:59:59", "2026-01-01 | 2026-01-01 01:00 | 2027-01-01")

	// moments told in other zones, also in the hours that their clocks skip and repeat: only UTC counts
	about("30 2 * * * | 2026-03-28 | - | 1h")
	at("2026-03-29 03:30+02:00", "2026-03-28 02:30 | 2026-03-28 03:30 | 2026-03-29 02:30")
	at("2026-03-29 04:30+02:00", "2026-03-29 02:30 | 2026-03-29 03:30 | 2026-03-30 02:30")
	at("2026-10-25 02:45+01:00", "2026-10-24 02:30 | 2026-10-24 03:30 | 2026-10-25 02:30")
	at("2026-10-25 12:00-11:00", "2026-10-25 02:30 | 2026-10-25 03:30 | 2026-10-26 02:30")
	at("2026-10-25 12:00+14:00", "2026-10-24 02:30 | 2026-10-24 03:30 | 2026-10-25 02:30")

	// a schedule that runs out of instants
	about("0 0 1 1 * 2026 | 2025-06-01 | - | 24h")
	at("2025-01-01", "2026-01-01 | 2026-01-02 | -")
	at("2025-07-01", "2026-01-01 | 2026-01-02 | -")
	at("2030-01-01", "2026-01-01 | 2026-01-02 | -")
	about("0 0 1 1 * 2026-2027 | 2026-06-01 | - | 24h") // begun between its only two
	at("2026-07-01", "2027-01-01 | 2027-01-02 | -")
	at("2027-01-01", "2027-01-01 | 2027-01-02 | -")
	about("0 0 1 1 * 2026-2027 | 2026-06-01 | 2027-01-01 12:00 | 24h")
	at("2026-07-01", "2027-01-01 | 2027-01-01 12:00 | 2027-01-01 12:00")

	// a leaderboard
	about("0 0 * * 1 | 2026-03-01 | - | 0s")
	at("2026-03-04", "2026-03-02 | - | 2026-03-09")
	at("2026-03-09", "2026-03-09 | - | 2026-03-16")
	about("- | 2026-03-01 | - | 0s")
	at("2026-03-04", "2026-03-01 | - | -")
}

func TestPreviousReset(t *testing.T) {
	f := func(text, now, want string) {
		t.Helper()
		b := board(t, text)
		if got := show(b.PreviousReset(stamp(t, now))); got != want {
			t.Errorf("%s at %s: %s, want %s", text, now, got, want)
		}
	}
	f("- | 2026-03-01 | - | 1h", "2026-03-02", "-")
	f("0 12 * * * | 2026-03-01 | - | 1h", "2026-02-28", "-")
	f("0 12 * * * | 2026-03-01 | - | 1h", "2026-03-01", "2026-02-28 12:00")
	f("0 12 * * * | 2026-03-01 | - | 1h", "2026-03-02 12:00", "2026-03-01 12:00")
	f("0 12 * * * | 2026-03-01 | - | 1h", "2026-03-02 12:00:01", "2026-03-02 12:00")
}

// TestEvents walks through a board's life, from one end or reset to the next.
func TestEvents(t *testing.T) {
	f := func(text, from string, n int, want string) {
		t.Helper()
		b, at := board(t, text), stamp(t, from)
		endAt, resetAt := at, at
		var got []string
		for range n {
			end, ended := b.NextEnd(endAt)
			reset, wasReset := b.NextReset(resetAt)
			switch {
			case ended && (!wasReset || end.End <= reset.Expiry):
				got, endAt = append(got, "end "+show(end.End)), end.End
			case wasReset:
				got, resetAt = append(got, "reset "+show(reset.Expiry)), reset.Expiry
			default:
				got = append(got, "nothing")
			}
		}
		if got := strings.Join(got, ", "); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
	f("- | 2026-03-01 | - | 1h", "2026-01-01", 2, "end 2026-03-01 01:00, nothing")
	f("- | 2026-03-01 | 2026-03-02 | 1h", "2026-01-01", 3, "end 2026-03-01 01:00, reset 2026-03-02, nothing")
	f("- | 2026-03-01 | 2026-03-02 | 48h", "2026-01-01", 3, "end 2026-03-02, reset 2026-03-02, nothing")
	f("0 0 * * * | 2026-03-01 | - | 1h", "2026-01-01", 4, "end 2026-03-01 01:00, reset 2026-03-02, end 2026-03-02 01:00, reset 2026-03-03")
	f("0 0 * * * | 2026-03-01 | - | 1h", "2026-03-05 00:30", 2, "end 2026-03-05 01:00, reset 2026-03-06")
	f("0 0 * * * | 2026-03-01 | - | 1h", "2026-03-05 02:00", 2, "reset 2026-03-06, end 2026-03-06 01:00")
	f("0 0 * * * | 2026-03-01 | - | 90h", "2026-01-01", 4, "end 2026-03-02, reset 2026-03-02, end 2026-03-03, reset 2026-03-03")
	f("0 0 * * * | 2026-03-01 06:00 | - | 12h", "2026-01-01", 3, "end 2026-03-01 12:00, reset 2026-03-02, end 2026-03-02 12:00")
	f("0 0 * * * | 2026-03-01 18:00 | - | 12h", "2026-01-01", 3, "end 2026-03-02 12:00, reset 2026-03-03, end 2026-03-03 12:00")
	f("0 0 * * * | 2026-03-01 12:00 | - | 12h", "2026-01-01", 2, "reset 2026-03-02, end 2026-03-02 12:00") // none of no length
	f("0 0 * * * | 2026-03-01 | 2026-03-02 06:00 | 12h", "2026-01-01", 5,
		"end 2026-03-01 12:00, reset 2026-03-02, end 2026-03-02 06:00, reset 2026-03-02 06:00, nothing")
	f("0 0 * * * | 2026-03-01 | 2026-03-03 | 12h", "2026-01-01", 5,
		"end 2026-03-01 12:00, reset 2026-03-02, end 2026-03-02 12:00, reset 2026-03-03, nothing")
	f("0 0 1 1 * 2026 | 2025-06-01 | - | 24h", "2025-01-01", 2, "end 2026-01-02, nothing")
	f("0 0 29 2 * | 2024-01-01 | - | 0s", "2024-01-01", 3, "reset 2024-02-29, reset 2028-02-29, reset 2032-02-29")
	f("- | 2026-03-01 | - | 0s", "2026-01-01", 1, "nothing")
}

func TestBack(t *testing.T) {
	f := func(text, now string, n int, want string) {
		t.Helper()
		b := board(t, text)
		if got := show(b.Back(stamp(t, now), n)); got != want {
			t.Errorf("%s, %d before %s: %s, want %s", text, n, now, got, want)
		}
	}
	f("0 0 * * * | 2026-03-01 | - | 1h", "2026-03-10 05:00", 1, "2026-03-09")
	f("0 0 * * * | 2026-03-01 | - | 1h", "2026-03-10 05:00", 3, "2026-03-07")
	f("0 0 * * * | 2026-03-01 | 2026-03-05 12:00 | 1h", "2026-03-10 05:00", 3, "2026-03-03")
	f("0 0 * * * | 2026-03-01 | - | 1h", "2026-03-02", 30, "-")
	f("- | 2026-03-01 | - | 1h", "2026-03-10", 3, "-")
	f("0 0 1 1 * 2026 | 2025-06-01 | - | 24h", "2030-01-01", 3, "-")
}
