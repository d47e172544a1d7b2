package query

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// parser reads a query from its beginning to its end, and never goes back.
type parser struct{ rest string }

const spaces = " \t\r\n"

func (p *parser) space() { p.rest = strings.TrimLeft(p.rest, spaces) }

// peek is the next byte, 0 at the end.
func (p *parser) peek() byte {
	if p.rest == "" {
		return 0
	}
	return p.rest[0]
}

// take skips the next byte when it is b.
func (p *parser) take(b byte) bool {
	if p.peek() != b {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

// clause reads one clause into the query. After ErrExpression the parser stands where the next clause begins.
func (p *parser) clause(q *Query) error {
	whole := p.rest
	into := &q.optional
	if p.take('+') {
		into = &q.required
	} else if p.take('-') {
		into = &q.excluded
	}
	p.space()
	c, trouble := p.condition()
	if trouble != nil && trouble != ErrExpression {
		return trouble
	}
	boost, err := p.boost()
	if err != nil {
		return err
	}
	if p.rest != "" && !strings.ContainsRune(spaces, rune(p.rest[0])) {
		return ErrSyntax
	}
	*into = append(*into, clause{c, boost, whole[:len(whole)-len(p.rest)]})
	return trouble
}

func (p *parser) boost() (float64, error) {
	if !p.take('^') {
		return 1, nil
	}
	text := p.run("0123456789.")
	boost, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, ErrSyntax
	}
	return boost, nil
}

// run takes the longest run of these bytes.
func (p *parser) run(of string) string {
	length := len(p.rest) - len(strings.TrimLeft(p.rest, of))
	taken := p.rest[:length]
	p.rest = p.rest[length:]
	return taken
}

// condition reads a clause without its sign and boost.
func (p *parser) condition() (condition, error) {
	switch p.peek() {
	case '"':
		_, err := p.quoted()
		return condition{}, err
	case '/':
		_, err := p.expression()
		return condition{}, err
	case 0, '+', '-', '>', '<', '=', ':', '^', '~':
		return condition{}, ErrSyntax
	}
	w := p.word()
	if p.take(':') {
		p.space()
		return p.value(w.String())
	}
	if w.isStar() {
		return condition{kind: always}, nil
	}
	if p.peek() == '~' {
		if _, err := p.edits(); err != nil {
			return condition{}, err
		}
	}
	return condition{}, nil
}

// value reads what comes after the colon.
func (p *parser) value(field string) (condition, error) {
	switch c := p.peek(); c {
	case '"':
		_, err := p.quoted()
		return condition{}, err
	case '/':
		text, err := p.expression()
		if err != nil {
			return condition{}, err
		}
		return expression(field, text)
	case '>', '<':
		p.take(c)
		return p.comparison(field, c, p.take('='))
	case 0, '+', '=', ':', '^', '~':
		return condition{}, ErrSyntax
	case '-':
		w := p.word()
		if !isDecimal(w.String()) {
			return condition{}, ErrSyntax
		}
		return equal(field, w.String()), nil
	}
	w := p.word()
	if p.peek() == '~' {
		edits, err := p.edits()
		return fuzzy(field, w.literal(), edits), err
	}
	switch {
	case w.isStar():
		return present(field), nil
	case w.isPattern():
		return pattern(field, w), nil
	}
	return equal(field, w.String()), nil
}

// comparison reads a bound: a number or a quoted date.
func (p *parser) comparison(field string, direction byte, orEqual bool) (condition, error) {
	p.space()
	if p.peek() == '"' {
		text, err := p.quoted()
		if err != nil {
			return condition{}, err
		}
		at, ok := parseDate(text)
		if !ok {
			return condition{}, ErrSyntax
		}
		return compareDates(field, at, direction, orEqual), nil
	}
	text := p.word().String()
	if !isDecimal(text) {
		return condition{}, ErrSyntax
	}
	bound, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return condition{}, ErrSyntax // it is too large
	}
	return compareNumbers(field, bound, direction, orEqual), nil
}

// edits reads a tilde and a number.
func (p *parser) edits() (int, error) {
	p.take('~')
	text := p.run("0123456789.")
	if text == "" {
		return 1, nil
	}
	edits, err := strconv.Atoi(text)
	if err != nil || edits > editsMax {
		return 0, ErrSyntax
	}
	return edits, nil
}

// quoted reads a text in quotes.
func (p *parser) quoted() (string, error) {
	text, ok := p.until('"')
	if !ok {
		return "", ErrSyntax
	}
	return strings.ReplaceAll(text, `\"`, `"`), nil
}

// expression reads a regular expression in slashes; its escapes are its own, but for that of the slash.
func (p *parser) expression() (string, error) {
	text, ok := p.until('/')
	if !ok {
		return "", ErrSyntax
	}
	return strings.ReplaceAll(text, `\/`, "/"), nil
}

// until takes what stands between the mark that is next and the next one that is not escaped.
func (p *parser) until(mark byte) (string, bool) {
	for i := 1; i < len(p.rest); i++ {
		switch p.rest[i] {
		case '\\':
			i++
		case mark:
			text := p.rest[1:i]
			p.rest = p.rest[i+1:]
			return text, true
		}
	}
	return "", false
}

// escapable are the characters that a backslash makes ordinary; before others it is one itself.
const escapable = "+-=&><!(){}[]^\"~*?:\\/| "

// word reads up to an unescaped space, colon, caret or tilde.
func (p *parser) word() word {
	var w word
	for p.rest != "" {
		c, size := utf8.DecodeRuneInString(p.rest)
		switch {
		case strings.ContainsRune(spaces+":^~", c):
			return w
		case c == '*':
			c = anyRun
		case c == '?':
			c = anyOne
		case c == '\\' && len(p.rest) > 1 && strings.IndexByte(escapable, p.rest[1]) >= 0:
			c, size = rune(p.rest[1]), 2
		}
		p.rest = p.rest[size:]
		w = append(w, c)
	}
	return w
}

// isDecimal reports whether a text is a number as queries write it: digits with at most one point, perhaps a minus.
func isDecimal(text string) bool {
	text = strings.TrimPrefix(text, "-")
	digits := strings.Replace(text, ".", "", 1)
	return digits != "" && strings.Trim(digits, "0123456789") == ""
}
