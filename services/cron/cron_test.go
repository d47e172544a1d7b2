package cron

import (
	"strings"
	"testing"
	"time"
)

const layout = "2006-01-02 15:04:05"

func at(t *testing.T, text string) time.Time {
	t.Helper()
	when, err := time.Parse(layout, text)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

func show(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Format(layout)
}

func TestNextAndLast(t *testing.T) {
	f := func(schedule, from, last, next string) {
		t.Helper()
		s, err := Parse(schedule)
		if err != nil {
			t.Errorf("%s: %v", schedule, err)
			return
		}
		when := at(t, from)
		if got := show(s.Next(when)); got != next {
			t.Errorf("%s after %s: %s, want %s", schedule, from, got, next)
		}
		if got := show(s.Last(when)); got != last {
			t.Errorf("%s before %s: %s, want %s", schedule, from, got, last)
		}
	}
	// 2024-02-29 is a Thursday, 2026-11-25 a Wednesday.
	f("* * * * *", "2026-11-25 12:30:00", "2026-11-25 12:29:00", "2026-11-25 12:31:00")
	f("* * * * *", "2026-11-25 12:30:01", "2026-11-25 12:30:00", "2026-11-25 12:31:00")
	f("*/15 * * * *", "2026-11-25 23:50:00", "2026-11-25 23:45:00", "2026-11-26 00:00:00")
	f("10/20 * * * *", "2026-11-25 12:30:00", "2026-11-25 12:10:00", "2026-11-25 12:50:00")
	f("5-20/5,59 3 * * *", "2026-11-25 03:20:00", "2026-11-25 03:15:00", "2026-11-25 03:59:00")
	f("0 0 * * *", "2026-12-31 00:00:00", "2026-12-30 00:00:00", "2027-01-01 00:00:00")
	f("@daily", "2026-12-31 00:00:00", "2026-12-30 00:00:00", "2027-01-01 00:00:00")
	f("@hourly", "2026-11-25 12:30:00", "2026-11-25 12:00:00", "2026-11-25 13:00:00")
	f("@weekly", "2026-11-25 12:30:00", "2026-11-22 00:00:00", "2026-11-29 00:00:00")
	f("@monthly", "2026-11-25 12:30:00", "2026-11-01 00:00:00", "2026-12-01 00:00:00")
	f("@yearly", "2026-11-25 12:30:00", "2026-01-01 00:00:00", "2027-01-01 00:00:00")
	f("@annually", "2026-11-25 12:30:00", "2026-01-01 00:00:00", "2027-01-01 00:00:00")

	// Months and leap days.
	f("0 0 31 * *", "2026-11-25 00:00:00", "2026-10-31 00:00:00", "2026-12-31 00:00:00")
	f("0 0 29 2 *", "2024-02-29 00:00:00", "2020-02-29 00:00:00", "2028-02-29 00:00:00")
	f("0 0 29 FEB *", "2096-02-29 00:00:00", "2092-02-29 00:00:00", "never")
	f("0 0 30 2 *", "2026-11-25 00:00:00", "never", "never")
	f("0 0 1 jan,July *", "2026-11-25 00:00:00", "2026-07-01 00:00:00", "2027-01-01 00:00:00")

	// L and W.
	f("0 0 L * *", "2024-02-10 00:00:00", "2024-01-31 00:00:00", "2024-02-29 00:00:00")
	f("0 0 L,1 * *", "2026-11-25 00:00:00", "2026-11-01 00:00:00", "2026-11-30 00:00:00")
	f("0 0 LW * *", "2026-10-15 00:00:00", "2026-09-30 00:00:00", "2026-10-30 00:00:00") // 31st: Saturday
	f("0 0 LW * *", "2026-05-15 00:00:00", "2026-04-30 00:00:00", "2026-05-29 00:00:00") // 31st: Sunday
	f("0 0 1W * *", "2026-07-20 00:00:00", "2026-07-01 00:00:00", "2026-08-03 00:00:00") // Saturday, not back into July
	f("0 0 15W * *", "2026-11-01 00:00:00", "2026-10-15 00:00:00", "2026-11-16 00:00:00")
	f("0 0 31W * *", "2026-01-31 00:00:00", "2026-01-30 00:00:00", "2026-03-31 00:00:00") // none in February
	f("0 0 31W 5 *", "2026-01-01 00:00:00", "2025-05-30 00:00:00", "2026-05-29 00:00:00")

	// Days of the week.
	f("0 0 * * 7", "2026-11-25 00:00:00", "2026-11-22 00:00:00", "2026-11-29 00:00:00")
	f("0 0 * * FRI-SUN", "2026-11-28 00:00:00", "2026-11-27 00:00:00", "2026-11-29 00:00:00")
	f("0 0 * * 5-0", "2026-11-29 00:00:00", "2026-11-28 00:00:00", "2026-12-04 00:00:00")
	f("0 0 * * 7-2", "2026-11-25 00:00:00", "2026-11-24 00:00:00", "2026-11-29 00:00:00")
	f("0 0 * * 1/2", "2026-11-25 00:00:00", "2026-11-23 00:00:00", "2026-11-27 00:00:00")
	f("0 0 * * 5L", "2026-11-25 00:00:00", "2026-10-30 00:00:00", "2026-11-27 00:00:00")
	f("0 0 * * fri#3", "2026-11-25 00:00:00", "2026-11-20 00:00:00", "2026-12-18 00:00:00")
	f("0 0 * 2 1#5", "2026-11-25 00:00:00", "2016-02-29 00:00:00", "2044-02-29 00:00:00")
	f("0 0 13 * 5", "2026-11-10 00:00:00", "2026-11-06 00:00:00", "2026-11-13 00:00:00") // either
	f("0 0 13 * 5", "2026-11-13 00:00:00", "2026-11-06 00:00:00", "2026-11-20 00:00:00")
	f("0 0 13 * ?", "2026-11-25 00:00:00", "2026-11-13 00:00:00", "2026-12-13 00:00:00")

	// Years and seconds.
	f("0 0 1 1 * 2030", "2026-11-25 00:00:00", "never", "2030-01-01 00:00:00")
	f("0 0 1 1 * 2020/10", "2026-11-25 00:00:00", "2020-01-01 00:00:00", "2030-01-01 00:00:00")
	f("0 0 1 1 *", "1969-05-05 00:00:00", "never", "1970-01-01 00:00:00")
	f("0 0 1 1 *", "2150-05-05 00:00:00", "2099-01-01 00:00:00", "never")
	f("59 59 23 31 12 * 2099", "2100-01-01 00:00:00", "2099-12-31 23:59:59", "never")
	f("*/20 0 12 * * * *", "2026-11-25 12:00:20", "2026-11-25 12:00:00", "2026-11-25 12:00:40")
	f("30 0 12 * * * *", "2026-11-25 12:00:00", "2026-11-24 12:00:30", "2026-11-25 12:00:30")
	f("30 0 12 * * * *", "2026-11-25 12:00:00", "2026-11-24 12:00:30", "2026-11-25 12:00:30")
	f("0 0 0 * * * * what is this", "2026-11-25 12:00:00", "2026-11-25 00:00:00", "2026-11-26 00:00:00")
}

func TestFractionsAndZones(t *testing.T) {
	s, _ := Parse("30 12 * * *")
	instant := time.Date(2026, 11, 25, 12, 30, 0, 0, time.UTC)
	east := time.FixedZone("east", 9*3600)
	if got := s.Last(instant.Add(1)); !got.Equal(instant) {
		t.Errorf("a nanosecond after an instant, the last one was %v", got)
	}
	if got := s.Next(instant.Add(-1).In(east)); !got.Equal(instant) {
		t.Errorf("a nanosecond before an instant, the next one is %v", got)
	}
	if got := s.Next(instant.In(east)); !got.Equal(instant.AddDate(0, 0, 1)) {
		t.Errorf("after an instant comes %v", got)
	}
}

func TestRefused(t *testing.T) {
	f := func(schedule string) {
		t.Helper()
		if _, err := Parse(schedule); err == nil {
			t.Errorf("%q is a schedule", schedule)
		}
	}
	for _, schedule := range strings.Split(` |* * * *|60 * * * *|* 24 * * *|* * 0 * *|* * 32 * *|* * * 13 *|* * * 0 *|* * * * 8|* * * * * 1969|* * * * * 2100|
		60 * * * * * *|-1 * * * *|5-1 * * * *|*/0 * * * *|*/60 * * * *|1/ * * * *|/5 * * * *|1-2-3 * * * *|x * * * *|, * * * *|* * W * *|* * 32W * *|* * 1-5W * *|
		* * WL * *|* * * * L|* * * * 9L|* * * * 1#0|* * * * 1#6|* * * * #2|* * * foo *|* * * * wednes|@never|99999999999999999999 * * * *|* L * * *`, "|") {
		f(schedule)
	}
}

// FuzzNeighbours: whatever can be read, its instants stand in one line, which can be walked both ways.
func FuzzNeighbours(f *testing.F) {
	for _, schedule := range []string{"* * * * *", "0 0 L,15W,LW * 5L,1#5", "*/7 1-5/2 * feb,MAR 1-7 1999-2040/3", "0 30 4 29 2 ? *", "@weekly"} {
		f.Add(schedule, int64(1_700_000_000))
	}
	f.Fuzz(func(t *testing.T, schedule string, seconds int64) {
		s, err := Parse(schedule)
		if err != nil {
			return
		}
		from := time.Unix(seconds%(200*366*86400), 0).UTC()
		if next := s.Next(from); !next.IsZero() {
			if !next.After(from) {
				t.Fatalf("%q: after %v comes %v", schedule, from, next)
			}
			last := s.Last(next)
			if last.After(from) {
				t.Fatalf("%q: between %v and %v there is %v", schedule, from, next, last)
			}
			if !last.IsZero() && !s.Next(last).Equal(next) {
				t.Fatalf("%q: after %v comes %v, and not %v", schedule, last, s.Next(last), next)
			}
		}
		if last := s.Last(from); !last.IsZero() && (!last.Before(from) || s.Next(last).Before(from) && !s.Next(last).IsZero()) {
			t.Fatalf("%q: before %v comes %v, then %v", schedule, from, last, s.Next(last))
		}
	})
}

func BenchmarkNext(b *testing.B) {
	for name, schedule := range map[string]string{"daily": "@daily", "rare": "0 0 * 2 1#5"} {
		s, _ := Parse(schedule)
		b.Run(name, func(b *testing.B) {
			from := time.Date(2026, 11, 25, 12, 30, 0, 0, time.UTC)
			for b.Loop() {
				s.Next(from)
			}
		})
	}
}
