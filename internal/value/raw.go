package value

// Raw is [Value.Get] for who needs JSON: what a path finds keeps the bytes it came in, strings their quotes.
// json is false for the text of a template or a literal, which may be anything.
func (v Value) Raw(scope []byte, env *Env) (raw []byte, json bool) {
	if v.path.IsZero() {
		return v.Get(scope, env), false
	}
	switch r := v.path.Get(scope); {
	case !r.Exists():
		return nil, true
	case r.Raw == "": // counted by gjson, not found
		return []byte(r.String()), true
	default:
		return Bytes(r.Raw), true
	}
}
