package account

import (
	"regexp"
	"strings"
	"testing"
)

var (
	emailPattern   = regexp.MustCompile(`(?s)^.+@.+\..+$`)
	controlOrBlank = regexp.MustCompile(`[[:cntrl:]]|[[:space:]]`)
	control        = regexp.MustCompile(`[[:cntrl:]]`)
)

// FuzzChecks holds the rules, written by hand for speed, against regular expressions.
func FuzzChecks(f *testing.F) {
	for _, text := range []string{"", "@", "a@b.c", "@b.c@d.e", "a@.b", "a@b.", "a@b..", "a.b@c", "a@@.b", "é@é.é", "anna@example.com", "a b@c.d", "\x7f", "\u0085", "\u00a0",
		strings.Repeat("a", 300)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		// A pattern's dot is a character; of bytes that are none our answer does not matter.
		if got, want := looksLikeEmail(text), emailPattern.MatchString(text); got != want {
			t.Errorf("looksLikeEmail(%q) = %v", text, got)
		}
		if got, want := CheckEmail(text) == ErrEmailChars, controlOrBlank.MatchString(text); got != want {
			t.Errorf("CheckEmail(%q) = %v", text, CheckEmail(text))
		}
		if got, want := CheckUsername(text) == ErrUsernameChars, control.MatchString(text); got != want {
			t.Errorf("CheckUsername(%q) = %v", text, CheckUsername(text))
		}
		for _, r := range []IDRule{DeviceRule, CustomRule} {
			if err := r.Check(text); err == nil && (len(text) < r.min || len(text) > r.max || controlOrBlank.MatchString(text)) {
				t.Errorf("Check(%q) passes", text)
			}
		}
	})
}
