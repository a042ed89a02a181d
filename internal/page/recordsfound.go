package page

import (
	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// Explain says what the paths find in records, as [Reader.Explain] does for an answer. The body is that of the
// first.
func (s *Records) Explain(records []decode.Record, env *value.Env) (all Found) {
	for i := range records {
		b := s.reader.record(&records[i])
		env.Status, env.Header, env.Body, env.Item = s.status, s.fields(&records[i]), b.text, nil
		f := explain(&reading{reader: s.reader, status: s.status, header: env.Header, body: b, env: env, from: s.at, record: true})
		if i == 0 {
			all = f
			continue
		}
		all.join(f)
	}
	return all
}
