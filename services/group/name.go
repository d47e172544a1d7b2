package group

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
)

// pattern is a search for names by SQL's LIKE, whatever the case: two letters are the same when their lower-case forms
// are. Names are kept in the order of their bytes, where a name in capitals is far from the same one in small letters; so
// the search goes through the index by leaps, from one spelling of what every found name begins with to the next.
type pattern struct {
	head  [][]rune // spellings of each letter before the first wildcard, sorted
	exact bool     // there is no wildcard
	parts []part
}

// part matches one letter, any one, or any number of letters.
type part struct {
	letter rune // in lower case; 0 for wildcards
	many   bool
}

// compile reads a LIKE pattern: % any letters, _ any letter, \ takes the next one as it is.
// Errors: ErrPattern.
func compile(text string) (*pattern, error) {
	p := &pattern{exact: true}
	for runes := []rune(text); len(runes) > 0; runes = runes[1:] {
		next := part{letter: unicode.ToLower(runes[0])}
		switch runes[0] {
		case '%':
			next = part{many: true}
		case '_':
			next = part{}
		case '\\':
			if runes = runes[1:]; len(runes) == 0 {
				return nil, ErrPattern
			}
			next.letter = unicode.ToLower(runes[0])
		}
		if p.exact = p.exact && next.letter != 0; p.exact {
			p.head = append(p.head, spellings(next.letter))
		}
		if last := len(p.parts) - 1; next.many && last >= 0 && p.parts[last].many {
			continue
		}
		p.parts = append(p.parts, next)
	}
	return p, nil
}

// spellings are the letters whose lower-case form is r, in the order of their bytes.
func spellings(r rune) (list []rune) {
	for other := r; ; {
		if unicode.ToLower(other) == r {
			list = append(list, other)
		}
		if other = unicode.SimpleFold(other); other == r {
			break
		}
	}
	if r == 'i' {
		list = append(list, 'İ') // folds to nothing else
	}
	slices.Sort(list) // UTF-8 sorts as the numbers do
	return list
}

// matches reports whether the pattern takes in the whole name.
func (p *pattern) matches(name string) bool {
	runes, parts := []rune(name), p.parts
	n, m := 0, 0
	many, from := -1, 0 // the last % and the first letter that it has not taken
	for n < len(runes) {
		switch {
		case m < len(parts) && parts[m].many:
			many, from = m, n
			m++
		case m < len(parts) && (parts[m].letter == 0 || parts[m].letter == unicode.ToLower(runes[n])):
			n, m = n+1, m+1
		case many >= 0:
			from++
			n, m = from, many+1
		default:
			return false
		}
	}
	for m < len(parts) && parts[m].many {
		m++
	}
	return m == len(parts)
}

const (
	stretchMax = 128  // names read at once
	headMax    = 32   // the same where all of them are found, or leapt over
	looksMax   = 2048 // names that one call looks at. One that finds too little among them answers with a short page and a cursor
	noNames    = ""   // no name is empty
)

// isHead reports whether every name that begins with the head matches, as with abc%, or no other does.
func (p *pattern) isHead() bool {
	return p.exact || len(p.parts) == len(p.head)+1 && p.parts[len(p.head)].many
}

// find reads up to limit groups with names beyond after; next is where more may be, "" when there are none.
func (p *pattern) find(r store.Reader, after string, limit int) (found []*schema.Group, next string, err error) {
	stretch := stretchMax
	if p.isHead() {
		stretch = min(limit+1, headMax)
	}
	for looked := 0; ; {
		start, within, ok := p.leap(after)
		if !ok {
			return found, noNames, nil
		}
		if !within {
			after = max(after, justBefore(start))
		}
		read := 0
		for row, err := range store.Scan(r, byName, store.Range{After: []any{after}, Limit: stretch}) {
			if err != nil {
				return nil, noNames, err
			}
			read++
			if _, within, ok := p.leap(row.Name); !ok {
				return found, noNames, nil
			} else if !within {
				after, read = row.Name, stretch // the rest was read for nothing
				break
			}
			if p.matches(row.Name) {
				if len(found) == limit {
					return found, found[limit-1].Name, nil
				}
				found = append(found, row)
			}
			after = row.Name
		}
		if read == 0 {
			return found, noNames, nil
		}
		if looked += read; looked >= looksMax {
			return found, after, nil
		}
	}
}

// leap tells whether a name has a spelling of the head; if not, start is the first spelling that comes after it. ok is
// false when there is none. Of a pattern without wildcards only the whole name is within.
func (p *pattern) leap(name string) (start string, within, ok bool) {
	runes := []rune(name)
	at := 0 // letters of name that are spelled like the head
	for at < len(p.head) && at < len(runes) && slices.Contains(p.head[at], runes[at]) {
		at++
	}
	if at == len(p.head) && (!p.exact || len(runes) == at) {
		return name, true, true
	}
	if at == len(runes) && at < len(p.head) { // name ends early: what it begins with goes on with the first spellings
		return p.spell(runes, at), false, true
	}
	if at == len(p.head) { // longer than an exact name: the next spelling
		at--
	}
	for ; at >= 0; at-- {
		for _, letter := range p.head[at] {
			if letter > runes[at] {
				return p.spell(append(runes[:at:at], letter), at+1), false, true
			}
		}
	}
	return "", false, false
}

// spell completes the first letters of a spelling with the first of each.
func (p *pattern) spell(first []rune, n int) string {
	var b strings.Builder
	for _, r := range first[:n] {
		b.WriteRune(r)
	}
	for _, letters := range p.head[n:] {
		b.WriteRune(letters[0])
	}
	return b.String()
}

// justBefore is a text that sorts before s, and after nearly all that do.
func justBefore(s string) string {
	r, size := utf8.DecodeLastRuneInString(s)
	s = s[:len(s)-size]
	switch r {
	case utf8.RuneError, 1: // s is empty; or nothing lies between
		return s
	case 0xe000:
		r = 0xd800 // surrogates are no letters
	}
	return s + string(r-1) + string(unicode.MaxRune)
}
