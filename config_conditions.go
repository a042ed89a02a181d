package ssebridge

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// Condition is a value that is compared, or asked whether there is something to it.
type Condition struct {
	// Whether the condition is turned around. Default: false.
	Not bool `json:"not,omitempty"`

	// The value. Required.
	Value string `json:"value"`

	// The texts of which the value is to be one. Default: none, so that the condition holds
	// where the value is neither missing, empty, `false`, `0` nor `null`.
	Matches []string `json:"matches,omitempty"`
}

// conditionField is a subdirective that is a list of conditions, any of which is enough.
type conditionField struct {
	name       string
	conditions []Condition
	to         *[]value.Condition
	items      bool // it looks at items, where there are some
}

func (h *Config) conditionFields(c *compiled) []conditionField {
	return []conditionField{
		{"ignore", h.Ignore, &c.page.Ignore, true},
		{"more", h.More, &c.page.More, false},
		{"reset", h.Reset, &c.page.Reset, false},
		{"end", h.End, &c.page.End, false},
	}
}

func (h *Config) compileConditions(c *compiled) (err error) {
	if c.page.RetryAfter, err = parseValue("retry_after", "retry_after", h.RetryAfter); err != nil {
		return err
	}
	for _, field := range h.conditionFields(c) {
		for i, cond := range field.conditions {
			path := field.name + "." + strconv.Itoa(i)
			compiled, err := cond.compile()
			if err != nil {
				return &fieldError{path, field.name, err}
			}
			*field.to = append(*field.to, compiled)
		}
	}
	return nil
}

func (c Condition) compile() (value.Condition, error) {
	switch {
	case c.Value == "":
		return value.Condition{}, fmt.Errorf("its value is empty: [!]<value> [<match>...]")
	case strings.HasPrefix(c.Value, "!"):
		return value.Condition{}, fmt.Errorf("%q is turned around twice, or in its value: that is what `not` is for", c.Value)
	}
	word := c.Value
	if c.Not {
		word = "!" + word
	}
	return value.ParseCondition(append([]string{word}, c.Matches...))
}

// checkConditions checks that what looks into JSON has some to look into.
func (h *Config) checkConditions(c *compiled) error {
	if c.page.Format != page.Text && c.page.Format != page.Lines {
		return nil
	}
	for _, field := range h.conditionFields(c) {
		if field.name == "reset" || field.items && c.page.Format == page.Lines {
			continue // errors may be JSON, and so may lines
		}
		for i, cond := range *field.to {
			if cond.NeedsJSON() {
				return &fieldError{
					field.name + "." + strconv.Itoa(i), field.name,
					fmt.Errorf("%q is a path in JSON, which an answer in the format %s is not", field.conditions[i].Value, c.page.Format),
				}
			}
		}
	}
	return nil
}
