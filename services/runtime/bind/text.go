package bind

import "fmt"

// Text is an error in words that modules and clients know as they are.
type Text string

func (t Text) Error() string { return string(t) }

// Textf is a Text with values in it.
func Textf(format string, values ...any) Text { return Text(fmt.Sprintf(format, values...)) }
