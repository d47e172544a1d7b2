package cron

import (
	"fmt"
	"strings"
)

var aliases = map[string]string{
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0", "@daily": "0 0 * * *", "@hourly": "0 * * * *",
}

// Parse reads a schedule. One that names no instant, such as a 30th of February, is none the less one.
// Errors: a sentence that says which field is wrong.
func Parse(text string) (*Schedule, error) {
	fields := strings.Fields(text)
	if len(fields) > 0 {
		if full, ok := aliases[fields[0]]; ok {
			fields = strings.Fields(full)
		}
	}
	s := &Schedule{}
	if len(fields) < 7 {
		s.seconds = 1 << 0
	} else {
		if err := plain(&s.seconds, second, fields[0]); err != nil {
			return nil, err
		}
		fields = fields[1:7]
	}
	if len(fields) < 5 {
		return nil, fmt.Errorf("a schedule has 5 to 7 fields, not %d", len(fields))
	}
	if err := plain(&s.minutes, minute, fields[0]); err != nil {
		return nil, err
	}
	if err := plain(&s.hours, hour, fields[1]); err != nil {
		return nil, err
	}
	if err := s.monthDays.parse(fields[2]); err != nil {
		return nil, err
	}
	if err := plain(&s.months, month, fields[3]); err != nil {
		return nil, err
	}
	if err := s.weekDays.parse(fields[4]); err != nil {
		return nil, err
	}
	yearText := "*"
	if len(fields) > 5 {
		yearText = fields[5]
	}
	return s, s.years.parse(yearText)
}

// field is what a field's values look like.
type field struct {
	name     string
	min, max int
	names    []string // of the values from min on, in full; their first three letters do, too
}

var (
	second   = field{"second", 0, 59, nil}
	minute   = field{"minute", 0, 59, nil}
	hour     = field{"hour", 0, 23, nil}
	monthDay = field{"day-of-month", 1, 31, nil}
	month    = field{"month", 1, 12, []string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}}
	weekDay  = field{"day-of-week", 0, 7, []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}}
	year     = field{"year", yearMin, yearMax, nil}
)

// value reads a number or a name.
func (f *field) value(text string) (int, bool) {
	for i, name := range f.names {
		if text == name || text == name[:3] {
			return f.min + i, true
		}
	}
	n, ok := number(text)
	return n, ok && n >= f.min && n <= f.max
}

// number reads up to four digits.
func number(text string) (n int, ok bool) {
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, text != "" && len(text) <= 4
}

// span is the values first, first+step … up to last.
type span struct{ first, last, step int }

func (p span) each(f func(value int)) {
	for v := p.first; v <= p.last; v += p.step {
		f(v)
	}
}

// span reads what all fields have in common.
func (f *field) span(text string) (p span, ok bool) {
	values, step, stepped := strings.Cut(text, "/")
	p.step = 1
	if stepped {
		if p.step, ok = number(step); !ok || p.step < 1 || p.step > f.max {
			return p, false
		}
	}
	first, last, ranged := strings.Cut(values, "-")
	switch {
	case isWildcard(values):
		p.first, p.last = f.min, f.max
		return p, true
	case ranged:
		if p.last, ok = f.value(last); !ok {
			return p, false
		}
		p.first, ok = f.value(first)
	case stepped:
		p.last = f.max
		p.first, ok = f.value(values)
	default:
		p.first, ok = f.value(values)
		p.last = p.first
	}
	return p, ok && p.first <= p.last
}

func isWildcard(text string) bool { return text == "*" || text == "?" }

// entries hands the entries of a field to take, which says whether it could read one.
func (f *field) entries(text string, take func(entry string) bool) error {
	all := strings.FieldsFunc(strings.ToLower(text), func(c rune) bool { return c == ',' })
	for _, entry := range all {
		if !take(entry) {
			return fmt.Errorf("the %s field has %q", f.name, entry)
		}
	}
	if len(all) == 0 {
		return fmt.Errorf("the %s field is empty", f.name)
	}
	return nil
}

// plain reads a field without specialities.
func plain(set *uint64, f field, text string) error {
	return f.entries(text, func(entry string) bool {
		p, ok := f.span(entry)
		if ok {
			p.each(func(v int) { *set |= 1 << v })
		}
		return ok
	})
}

func (d *monthDays) parse(text string) error {
	return monthDay.entries(text, func(entry string) bool {
		near, isNear := strings.CutSuffix(entry, "w")
		switch {
		case isWildcard(entry):
			d.any = true
		case entry == "l":
			d.last = true
		case entry == "lw":
			d.lastWorkday = true
		case isNear:
			v, ok := monthDay.value(near)
			d.near |= 1 << v
			return ok
		default:
			p, ok := monthDay.span(entry)
			if ok {
				p.each(func(v int) { d.plain |= 1 << v })
			}
			return ok
		}
		return true
	})
}

func (d *weekDays) parse(text string) error {
	return weekDay.entries(text, func(entry string) bool {
		if isWildcard(entry) {
			d.any = true
			return true
		}
		if day, ok := strings.CutSuffix(entry, "l"); ok {
			v, ok := weekDay.value(day)
			if ok {
				d.last |= 1 << (v % 7)
			}
			return ok
		}
		if day, place, ok := strings.Cut(entry, "#"); ok {
			n, counted := number(place)
			v, ok := weekDay.value(day)
			if ok = ok && counted && n >= 1 && n <= 5; ok {
				d.nth[n] |= 1 << (v % 7)
			}
			return ok
		}
		p, ok := d.span(entry)
		if ok {
			p.each(func(v int) { d.plain |= 1 << (v % 7) })
		}
		return ok
	})
}

// span reads days of the week: a range's end may be a Sunday, written in any way.
func (d *weekDays) span(entry string) (p span, ok bool) {
	days, step, stepped := strings.Cut(entry, "/")
	first, last, ranged := strings.Cut(days, "-")
	switch {
	case ranged && first == "7" && last != "7":
		days = "0-" + last
	case ranged && first != "0" && (last == "0" || last == "sun" || last == "sunday"):
		days = first + "-7"
	case !ranged && stepped && first == "7":
		days = "0"
	}
	if stepped {
		days += "/" + step
	}
	if p, ok = weekDay.span(days); ok && stepped && !ranged {
		p.last = 6
	}
	return p, ok
}

func (y *years) parse(text string) error {
	return year.entries(text, func(entry string) bool {
		p, ok := year.span(entry)
		if ok {
			p.each(y.add)
		}
		return ok
	})
}
