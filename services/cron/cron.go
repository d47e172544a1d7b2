// Package cron reads the reset schedules of boards, and finds the instants that they name: pure, in whole seconds, UTC.
//
//	            minute hour day-of-month month day-of-week          5 fields
//	            minute hour day-of-month month day-of-week year     6
//	     second minute hour day-of-month month day-of-week year     7, and any more are ignored
//
//	field          values                    what else
//	second         0-59
//	minute         0-59
//	hour           0-23
//	day-of-month   1-31                      L last day · LW last workday · 15W the workday nearest to the 15th
//	month          1-12, JAN-DEC, JANUARY-
//	day-of-week    0-7, SUN-SAT, SUNDAY-     5L last Friday · 5#3 third Friday; 0 and 7 are Sunday
//	year           1970-2099
//
// Each field is a list, by commas, of * (or ?), value, first-last, and any of these with /step; value/step goes on to the
// field's end. When both fields of days are something else than *, a day needs to be in one of them only. Instead of all
// fields there may stand @yearly (or @annually), @monthly, @weekly, @daily or @hourly.
//
// gronx, which reads much the same, takes the first of six fields for seconds and gives up on rare days such as a fifth
// Monday in a leap year's February.
package cron

import (
	"math/bits"
	"time"
)

// Schedule is a set of instants. It does not change; any goroutine may use it.
type Schedule struct {
	seconds, minutes, hours, months uint64 // one bit a value
	years                           years
	monthDays                       monthDays
	weekDays                        weekDays
}

// monthDays are days by their place in the month.
type monthDays struct {
	any         bool   // the field is *
	plain, near uint64 // the day itself; the workday nearest to it
	last        bool
	lastWorkday bool
}

// weekDays are days by their names.
type weekDays struct {
	any         bool
	plain, last uint64    // each of the month; the last
	nth         [6]uint64 // from 1
}

const yearMin, yearMax = 1970, 2099

// Next is the first instant after t; the zero time when there is none.
func (s *Schedule) Next(t time.Time) time.Time {
	t = t.UTC()
	if t.Year() < yearMin {
		t = time.Date(yearMin, 1, 1, 0, 0, 0, 0, time.UTC).Add(-1)
	}
	t = t.Truncate(time.Second).Add(time.Second)
	clock, ok := s.clockFrom(t.Hour(), t.Minute(), t.Second())
	if ok && s.onDay(t) {
		return clock.on(t.Year(), int(t.Month()), t.Day())
	}
	first, _ := s.clockFrom(0, 0, 0)
	month, day := int(t.Month()), t.Day()+1
	for year := s.years.from(t.Year()); year <= yearMax; year = s.years.from(year + 1) {
		if year > t.Year() {
			month, day = 1, 1
		}
		for ; month <= 12; month, day = month+1, 1 {
			if s.months&(1<<month) == 0 {
				continue
			}
			if d := lowest(s.days(year, month), day); d <= 31 {
				return first.on(year, month, d)
			}
		}
	}
	return time.Time{}
}

// Last is the last instant before t; the zero time when there is none.
func (s *Schedule) Last(t time.Time) time.Time {
	t = t.UTC()
	if t.Year() > yearMax {
		t = time.Date(yearMax+1, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	t = t.Add(-1).Truncate(time.Second)
	clock, ok := s.clockUpTo(t.Hour(), t.Minute(), t.Second())
	if ok && s.onDay(t) {
		return clock.on(t.Year(), int(t.Month()), t.Day())
	}
	final, _ := s.clockUpTo(23, 59, 59)
	month, day := int(t.Month()), t.Day()-1
	for year := s.years.upTo(t.Year()); year >= yearMin; year = s.years.upTo(year - 1) {
		if year < t.Year() {
			month, day = 12, 31
		}
		for ; month >= 1; month, day = month-1, 31 {
			if s.months&(1<<month) == 0 {
				continue
			}
			if d := highest(s.days(year, month), day); d >= 1 {
				return final.on(year, month, d)
			}
		}
	}
	return time.Time{}
}

// clock is a time of the day.
type clock struct{ hour, minute, second int }

func (c clock) on(year, month, day int) time.Time {
	return time.Date(year, time.Month(month), day, c.hour, c.minute, c.second, 0, time.UTC)
}

// clockFrom is the first time of the day from another on.
func (s *Schedule) clockFrom(hour, minute, second int) (clock, bool) {
	firstMinute, firstSecond := lowest(s.minutes, 0), lowest(s.seconds, 0)
	if s.hours&(1<<hour) != 0 {
		if s.minutes&(1<<minute) != 0 {
			if sec := lowest(s.seconds, second); sec < 60 {
				return clock{hour, minute, sec}, true
			}
		}
		if m := lowest(s.minutes, minute+1); m < 60 {
			return clock{hour, m, firstSecond}, true
		}
	}
	h := lowest(s.hours, hour+1)
	return clock{h, firstMinute, firstSecond}, h < 24
}

// clockUpTo is the last time of the day up to another.
func (s *Schedule) clockUpTo(hour, minute, second int) (clock, bool) {
	lastMinute, lastSecond := highest(s.minutes, 59), highest(s.seconds, 59)
	if s.hours&(1<<hour) != 0 {
		if s.minutes&(1<<minute) != 0 {
			if sec := highest(s.seconds, second); sec >= 0 {
				return clock{hour, minute, sec}, true
			}
		}
		if m := highest(s.minutes, minute-1); m >= 0 {
			return clock{hour, m, lastSecond}, true
		}
	}
	h := highest(s.hours, hour-1)
	return clock{h, lastMinute, lastSecond}, h >= 0
}

// onDay reports whether any instant falls on the day of t.
func (s *Schedule) onDay(t time.Time) bool {
	year, month, day := t.Date()
	return s.years.has(year) && s.months&(1<<month) != 0 && s.days(year, int(month))&(1<<day) != 0
}

// days are the days of a month, one bit each.
func (s *Schedule) days(year, month int) uint64 {
	first := time.Date(year, time.Month(month), 1, 0, 0, 0, 0, time.UTC)
	m := calendar{first: int(first.Weekday()), length: first.AddDate(0, 1, -1).Day()}
	all := uint64(1)<<(m.length+1) - 2 // bits 1 to length
	switch {
	case s.monthDays.any && s.weekDays.any:
		return all
	case s.monthDays.any:
		return s.weekDays.in(m) & all
	case s.weekDays.any:
		return s.monthDays.in(m) & all
	}
	return (s.monthDays.in(m) | s.weekDays.in(m)) & all
}

// calendar is a month: the weekday that it begins with, and its days.
type calendar struct{ first, length int }

func (m calendar) weekday(day int) int { return (m.first + day - 1) % 7 }

// workday is the one nearest to a day, within the month.
func (m calendar) workday(day int) int {
	switch wd := m.weekday(day); {
	case wd == 6 && day > 1:
		return day - 1
	case wd == 6:
		return day + 2
	case wd == 0 && day < m.length:
		return day + 1
	case wd == 0:
		return day - 2
	}
	return day
}

func (d *monthDays) in(m calendar) uint64 {
	days := d.plain
	for near := d.near; near != 0; near &= near - 1 {
		if day := bits.TrailingZeros64(near); day <= m.length {
			days |= 1 << m.workday(day)
		}
	}
	if d.last {
		days |= 1 << m.length
	}
	if d.lastWorkday {
		days |= 1 << m.workday(m.length)
	}
	return days
}

func (d *weekDays) in(m calendar) (days uint64) {
	for day := 1; day <= m.length; day++ {
		on := d.plain | d.nth[(day-1)/7+1]
		if day > m.length-7 {
			on |= d.last
		}
		if on&(1<<m.weekday(day)) != 0 {
			days |= 1 << day
		}
	}
	return days
}

// years is a set of them, one bit each.
type years [3]uint64 // (2099-1970+1)/64, rounded up

func (y *years) add(year int) { y[(year-yearMin)/64] |= 1 << ((year - yearMin) % 64) }

func (y *years) has(year int) bool {
	return year >= yearMin && year <= yearMax && y[(year-yearMin)/64]&(1<<((year-yearMin)%64)) != 0
}

// from is the first year of the set from another on, yearMax+1 when there is none.
func (y *years) from(year int) int {
	for year = max(year, yearMin); year <= yearMax && !y.has(year); year++ {
	}
	return year
}

// upTo is the last one up to another, yearMin-1 when there is none.
func (y *years) upTo(year int) int {
	for year = min(year, yearMax); year >= yearMin && !y.has(year); year-- {
	}
	return year
}

// lowest is the least value of a set that is at least from; 64 when there is none.
func lowest(set uint64, from int) int { return bits.TrailingZeros64(set & (^uint64(0) << from)) }

// highest is the greatest that is at most upTo; -1 when there is none.
func highest(set uint64, upTo int) int {
	if upTo < 0 {
		return -1
	}
	return bits.Len64(set&(^uint64(0)>>(63-upTo))) - 1
}
