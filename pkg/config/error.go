package config

import (
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Error names every variable that is wrong.
type Error struct {
	Wrong []Wrong
}

// Wrong is what is wrong with one variable, in words for people.
type Wrong struct {
	Name string
	Say  string
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("wrong settings:")
	for _, w := range e.Wrong {
		b.WriteString("\n  " + w.Name + " " + w.Say)
	}
	return b.String()
}

// checker reads the values of variables and keeps what is wrong with them.
// Only what is asked for is checked, so each process checks what it uses.
type checker struct {
	Error
	quoted, blank map[string]bool
}

func (v variables) checker() *checker { return &checker{quoted: v.quoted, blank: v.blank} }

func (c *checker) orNil() error {
	if len(c.Wrong) == 0 {
		return nil
	}
	return &c.Error
}

// add reports a variable with as much of its value as may be shown.
func (c *checker) add(name, value, say string) { c.hide(name, "is "+shown(value)+": it "+say) }

// hide reports a variable without its value.
func (c *checker) hide(name, say string) { c.Wrong = append(c.Wrong, Wrong{name, say}) }

// text takes any value that does not stand in quotes.
func (c *checker) text(name, value string) string {
	if c.quoted[name] {
		c.hide(name, "stands in quotes: write the value without them")
	}
	return value
}

// shown is what may be printed of a value. A secret may stand in the place of
// any setting, so this is a small number, a network address, or where a URL
// leads to; of everything else it is the length.
func shown(value string) string {
	u, err := url.Parse(value)
	switch {
	case consists(value, digits+"-", 1, 6), consists(value, digits+".:[]", 1, 45) && strings.ContainsAny(value, ".:"):
		return strconv.Quote(value)
	case err == nil && (u.Scheme == "http" || u.Scheme == "https") && plainHost(u.Hostname()) && !strings.Contains(value, "@"):
		start := u.Scheme + "://" + u.Host
		if start == value {
			return strconv.Quote(value)
		}
		return strconv.Quote(start) + " and more"
	case utf8.RuneCountInString(value) == 1:
		return "1 character long"
	}
	return strconv.Itoa(utf8.RuneCountInString(value)) + " characters long"
}
