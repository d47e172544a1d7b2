package account

import (
	"strings"

	"github.com/skirmishgg/skirmish/protocol/errs"
)

// Refusals of what a client calls itself.
var (
	ErrUsernameChars  = errs.New(errs.InvalidArgument, "Username invalid, no spaces or control characters allowed.")
	ErrUsernameLength = errs.New(errs.InvalidArgument, "Username invalid, must be 1-128 bytes.")

	ErrEmailChars       = errs.New(errs.InvalidArgument, "Invalid email address, no spaces or control characters allowed.")
	ErrEmailFormat      = errs.New(errs.InvalidArgument, "Invalid email address format.")
	ErrEmailLength      = errs.New(errs.InvalidArgument, "Invalid email address, must be 10-255 bytes.")
	ErrEmailAndPassword = errs.New(errs.InvalidArgument, "Email address and password is required.")
	ErrPasswordShort    = errs.New(errs.InvalidArgument, "Password must be at least 8 characters long.")
	ErrPasswordLong     = errs.New(errs.InvalidArgument, "Password must be at most 72 bytes long.") // what bcrypt reads
)

const (
	usernameMax = 128
	passwordMin = 8
	passwordMax = 72
)

// CheckUsername holds a name against the rules. Spaces are allowed whatever the text says.
func CheckUsername(name string) error {
	switch {
	case strings.ContainsFunc(name, isControl):
		return ErrUsernameChars
	case name == "" || len(name) > usernameMax:
		return ErrUsernameLength
	}
	return nil
}

// IDRule is what a device or custom id has to look like.
type IDRule struct {
	min, max               int // bytes
	missing, chars, length *errs.Error
}

// The rules, and their words: signing in and linking word one of them differently.
var (
	DeviceRule = IDRule{10, 128,
		errs.New(errs.InvalidArgument, "Device ID is required."),
		errs.New(errs.InvalidArgument, "Device ID invalid, no spaces or control characters allowed."),
		errs.New(errs.InvalidArgument, "Device ID invalid, must be 10-128 bytes.")}
	CustomRule = IDRule{6, 128,
		errs.New(errs.InvalidArgument, "Custom ID is required."),
		errs.New(errs.InvalidArgument, "Custom ID invalid, no spaces or control characters allowed."),
		errs.New(errs.InvalidArgument, "Custom ID invalid, must be 6-128 bytes.")}
	linkCustomRule = IDRule{CustomRule.min, CustomRule.max, CustomRule.missing,
		errs.New(errs.InvalidArgument, "Invalid custom ID, no spaces or control characters allowed."),
		errs.New(errs.InvalidArgument, "Invalid custom ID, must be 6-128 bytes.")}
)

// Check holds an id against the rule.
func (r *IDRule) Check(text string) error {
	switch {
	case text == "":
		return r.missing
	case strings.ContainsFunc(text, isControlOrSpace):
		return r.chars
	case len(text) < r.min || len(text) > r.max:
		return r.length
	}
	return nil
}

// CheckEmail holds an address against the rules.
func CheckEmail(address string) error {
	switch {
	case strings.ContainsFunc(address, isControlOrSpace):
		return ErrEmailChars
	case !looksLikeEmail(address):
		return ErrEmailFormat
	case len(address) < 10 || len(address) > 255:
		return ErrEmailLength
	}
	return nil
}

// looksLikeEmail asks for something@something.something.
func looksLikeEmail(s string) bool {
	if len(s) < 5 {
		return false
	}
	at := strings.IndexByte(s[1:], '@') + 1 // not the first character
	dot := strings.LastIndexByte(s[:len(s)-1], '.')
	return at > 0 && dot > at+1
}

// CheckPassword holds a password for signing in against the rules; ErrPasswordLong is for new ones, see Passwords.Hash.
func CheckPassword(password string) error {
	if len(password) < passwordMin {
		return ErrPasswordShort
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

func isControlOrSpace(r rune) bool { return isControl(r) || r == ' ' }

func hasNUL(text string) bool { return strings.IndexByte(text, 0) >= 0 }
