package value

import (
	"strings"
	"testing"
)

func TestValidJSONBoundsTheDepth(t *testing.T) {
	t.Parallel()
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for name, tt := range map[string]struct {
		json string
		want bool
	}{
		"an object":               {`{"a":[1.10,"x",null]}`, true},
		"nothing":                 {"", false},
		"cut short":               {`{"a":[1`, false},
		"two texts":               {`{} {}`, false},
		"as deep as it may be":    {nested(MaxDepth), true},
		"one deeper":              {nested(MaxDepth + 1), false},
		"megabytes of brackets":   {strings.Repeat("[", 8<<20), false},
		"megabytes of braces":     {strings.Repeat(`{"":`, 2<<20), false},
		"wide, not deep":          {"[" + strings.Repeat("{},", MaxDepth) + "{}]", true},
		"brackets within strings": {`["\"` + strings.Repeat("[", MaxDepth+1) + `"]`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := ValidJSON([]byte(tt.json)); got != tt.want {
				t.Errorf("ValidJSON = %v, want %v", got, tt.want)
			}
			if got := ValidJSONWithin([]byte(tt.json), 1); got != ValidJSON([]byte("["+tt.json+"]")) && tt.json != "" {
				t.Errorf("within an array it is %v", got)
			}
		})
	}
}
