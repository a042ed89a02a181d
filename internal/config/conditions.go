package config

import (
	"fmt"
	"strconv"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// units are those that an upstream may count a pause in.
var units = map[string]time.Duration{"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour}

// conditionField is a subdirective with a list of conditions, of which one must hold.
type conditionField struct {
	name       string
	conditions []Condition
	to         *[]value.Condition
	items      bool // it looks at items, if there are items
}

func (h *Config) conditionFields(c *Plan) []conditionField {
	return []conditionField{
		{"ignore", h.Ignore, &c.Page.Ignore, true},
		{"more", h.More, &c.Page.More, false},
		{"fail", h.Fail, &c.Page.Fail, false},
		{"gap", h.Gap, &c.Page.Gap, false},
		{"reopen", h.Reopen, &c.Page.Reopen, false},
		{"reset", h.Reset, &c.Page.Reset, false},
		{"end", h.End, &c.Page.End, false},
	}
}

func (h *Config) compileConditions(c *Plan) (err error) {
	if c.Page.RetryAfter, err = parseValue("retry_after", "retry_after", h.RetryAfter); err != nil {
		return err
	}
	if h.RetryAfterUnit != "" {
		unit, known := units[h.RetryAfterUnit]
		switch {
		case h.RetryAfter == "":
			return wrong("retry_after_unit", "there is no `retry_after` that it could be the unit of: remove it")
		case !known:
			return &fieldError{"retry_after_unit", "retry_after", fmt.Errorf("%q is not one of the units ms, s, m and h", h.RetryAfterUnit)}
		}
		c.Page.RetryAfterUnit = unit
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

// checkConditions checks that conditions with paths have JSON to look at.
func (h *Config) checkConditions(c *Plan) error {
	if c.Page.Format != page.Text && c.Page.Format != page.Lines {
		return nil
	}
	for _, field := range h.conditionFields(c) {
		lines := c.Page.Format == page.Lines
		if field.name == "reset" || field.name == "reopen" || lines && (field.name == "fail" || field.name == "gap" || field.items) {
			continue // errors may be JSON, and so may lines
		}
		for i, cond := range *field.to {
			if cond.NeedsJSON() {
				return &fieldError{
					field.name + "." + strconv.Itoa(i), field.name,
					fmt.Errorf("the path %q needs JSON, and the format is %s: change one of the two", field.conditions[i].Value, c.Page.Format),
				}
			}
		}
	}
	return nil
}
