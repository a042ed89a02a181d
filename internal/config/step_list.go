package config

import (
	"bytes"
	"encoding/json"
)

// Steps are requests that are made one after another. In JSON, a single one may be written as an object
// instead of a list.
type Steps []*Step

// MarshalJSON implements json.Marshaler. A single step is an object, which it has always been.
func (s Steps) MarshalJSON() ([]byte, error) {
	if len(s) == 1 {
		return json.Marshal(s[0])
	}
	return json.Marshal([]*Step(s))
}

// UnmarshalJSON implements json.Unmarshaler. Unknown fields are an error, as in the rest of a handler. A null changes nothing.
func (s *Steps) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if first := bytes.TrimLeft(data, " \t\r\n"); len(first) > 0 && first[0] == '[' {
		return decoder.Decode((*[]*Step)(s))
	}
	step := new(Step)
	if err := decoder.Decode(step); err != nil {
		return err
	}
	*s = Steps{step}
	return nil
}
