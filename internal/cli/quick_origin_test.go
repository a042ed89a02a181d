package cli

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/quick"
)

func TestABlockOfQuickPollsOnlyItsTarget(t *testing.T) {
	for _, c := range []struct {
		target, block string
		want          string // in the error; empty: it is fine
	}{
		{"http://127.0.0.1:9000/m", "sse_bridge /m 127.0.0.1:9000", ""},
		{"http://127.0.0.1:9000/m", "# a note\nsse_bridge /m 127.0.0.1:9000 {\n\titems a\n\tid id\n\torder overlap\n}\n", ""},
		{"http://example.com/m", "sse_bridge /m example.com:80", ""},
		{"http://example.com/m", "sse_bridge /m {\n\tupstream {\n\t\treverse_proxy example.com {\n\t\t\theader_up Host {upstream_hostport}\n\t\t}\n\t}\n}", ""},
		{"https://example.com/m", "sse_bridge /m https://example.com", ""},
		{"https://[::1]:8443/m", "sse_bridge /m {\n\tupstream {\n\t\treverse_proxy https://[::1]:8443 {\n\t\t\ttransport http {\n\t\t\t\ttls_insecure_skip_verify\n\t\t\t}\n\t\t}\n\t}\n}", ""},
		{"http://127.0.0.1:9000/m", "sse_bridge /m 127.0.0.1:9000 {\n\topen {\n\t\trewrite /login\n\t\tcursor a\n\t}\n\tquery since {sse.cursor}\n\titems list\n\tid id\n}", ""},

		{"http://127.0.0.1:9000/m", "sse_bridge /m 127.0.0.1:9000 {\n\tquery a {$NONE:{}file./etc/passwd}\n}", "variables"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m 127.0.0.1:9000 {\n\tquery a {fi{$NONE:}le./etc/passwd}\n}", "variables"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m 127.0.0.1:9000 {\n\tim{$NONE:}port /etc/passwd\n}", "variables"},
		{"http://127.0.0.1:9000/m", "# {$NONE:x\nimport /etc/passwd}\nsse_bridge /m 127.0.0.1:9000", "variables"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m {\n\tupstream {\n\t\t@f file {\n\t\t\troot /etc\n\t\t\ttry_files /pass*\n\t\t}\n\t\trewrite @f {file_match.relative}\n\t\treverse_proxy 127.0.0.1:9000\n\t}\n}", "the matcher file is not possible here"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m {\n\tupstream {\n\t\t@f not file /etc/passwd\n\t\trewrite @f /x\n\t\treverse_proxy 127.0.0.1:9000\n\t}\n}", "the matcher file is not possible here"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m {\n\tupstream {\n\t\t@f expression `file({'root': '/etc', 'try_files': ['/passwd']})`\n\t\trewrite @f /x\n\t\treverse_proxy 127.0.0.1:9000\n\t}\n}", "the matcher expression is not possible here"},
		{"https://127.0.0.1:9000/m", "sse_bridge /m {\n\tupstream {\n\t\treverse_proxy https://127.0.0.1:9000 {\n\t\t\ttransport http {\n\t\t\t\ttls_trust_pool http {\n\t\t\t\t\tendpoints http://127.0.0.1:1/ca\n\t\t\t\t}\n\t\t\t}\n\t\t}\n\t}\n}", "ca in the TLS"},
		{"https://127.0.0.1:9000/m", "sse_bridge /m {\n\tupstream {\n\t\treverse_proxy https://127.0.0.1:9000 {\n\t\t\ttransport http {\n\t\t\t\ttls_client_auth /a.pem /b.pem\n\t\t\t}\n\t\t}\n\t}\n}", "in the TLS"},
		{"https://127.0.0.1:9000/m", "sse_bridge /m {\n\tupstream {\n\t\treverse_proxy https://127.0.0.1:9000 {\n\t\t\ttransport http {\n\t\t\t\ttls_except_ports 9000\n\t\t\t}\n\t\t}\n\t}\n}", "except_ports in the TLS"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m 127.0.0.1:9000 {\n\theader_up X-Key {env.GIVEN}\n}", ""},
		{"http://127.0.0.1:9000/m", "sse_bridge /m {\n\tupstream {\n\t\t@post method POST\n\t\trewrite @post /x\n\t\treverse_proxy 127.0.0.1:9000\n\t}\n}", ""},
		{"http://127.0.0.1:9000/m", "sse_bridge /m 127.0.0.1:9000 {\n\theader_up X-Key {env.OTHER}\n}", "{env.OTHER}: of the environment"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m {\n\tupstream {\n\t\theader X-Other {env.OTHER}\n\t\treverse_proxy 127.0.0.1:9000\n\t}\n\tdata {sse.header.X-Other}\n}", "{env.OTHER}: of the environment"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m {\n\tupstream {\n\t\ttemplates\n\t\treverse_proxy 127.0.0.1:9000\n\t}\n}", "templates is not possible here"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m {\n\tupstream {\n\t\tforward_auth 127.0.0.1:1 {\n\t\t\turi /x\n\t\t}\n\t\treverse_proxy 127.0.0.1:9000\n\t}\n}", "127.0.0.1:1 is not"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m 127.0.0.1:9000 {\n\tname \"}\"\n}\nimport x\n{\n\tname \"{\"\n}", "another directive"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m 127.0.0.1:9000 {\n\tname \"}\"\n\tfile_server \"{\"\n}", "file_server"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m 127.0.0.1:9001", "127.0.0.1:9001 is not the endpoint's address"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m 127.0.0.1:9000 127.0.0.1:9001", "127.0.0.1:9001 is not"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m localhost:9000", "localhost:9000 is not"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m https://127.0.0.1:9000", "another scheme"},
		{"https://127.0.0.1:9000/m", "sse_bridge /m 127.0.0.1:9000", "another scheme"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m {env.OTHER}", "is not the endpoint's address"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m unix//run/docker.sock", "is not the endpoint's address"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m {\n\tupstream {\n\t\treverse_proxy 127.0.0.1:9000 {\n\t\t\thandle_response {\n\t\t\t\treverse_proxy 127.0.0.1:1\n\t\t\t}\n\t\t}\n\t}\n}", "127.0.0.1:1 is not"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m {\n\tupstream {\n\t\treverse_proxy {\n\t\t\tdynamic a other 80\n\t\t}\n\t}\n}", "dynamic_upstreams"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m {\n\tupstream {\n\t\treverse_proxy 127.0.0.1:9000 {\n\t\t\thealth_uri /x\n\t\t\thealth_port 1\n\t\t}\n\t}\n}", "health_checks"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m {\n\tupstream {\n\t\treverse_proxy 127.0.0.1:9000 {\n\t\t\ttransport fastcgi\n\t\t}\n\t}\n}", "fastcgi"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m {\n\tupstream {\n\t\treverse_proxy 127.0.0.1:9000 {\n\t\t\ttransport http {\n\t\t\t\tnetwork_proxy url http://127.0.0.1:1\n\t\t\t}\n\t\t}\n\t}\n}", "network_proxy"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m {\n\tupstream {\n\t\troot * /\n\t\tfile_server\n\t}\n}", "file_server is not possible here"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m {\n\tupstream {\n\t\trespond hello\n\t}\n}", "static_response is not possible here"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m 127.0.0.1:9000 {\n\thosts other.example\n\trewrite {sse.cursor}\n\tcursor next\n}", "hosts is not possible here"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m 127.0.0.1:9000 {\n\topen {\n\t\tupstream {\n\t\t\treverse_proxy 127.0.0.1:1\n\t\t}\n\t\tcursor a\n\t}\n\tquery since {sse.cursor}\n\titems list\n\tid id\n}", "127.0.0.1:1 is not"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m 127.0.0.1:9000 {\n\tquery a {file./etc/passwd}\n}", "files cannot be read here"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m 127.0.0.1:9000 {\n\timport /etc/passwd\n}", "import is not possible"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m 127.0.0.1:9000\nfile_server", `"file_server" is another directive`},
		{"http://127.0.0.1:9000/m", "sse_bridge /m 127.0.0.1:9000\n}\nhttp://:8080 {\n\tfile_server", "this brace closes nothing"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m 127.0.0.1:9000 {\n", "a brace is not closed"},
		{"http://127.0.0.1:9000/m", "sse_bridge /m 127.0.0.1:9000\nsse_bridge /n 127.0.0.1:9000", "one sse_bridge block"},
		{"http://127.0.0.1:9000/m", "", "one sse_bridge block"},
		{"http://127.0.0.1:9000/m", "# only this", "one sse_bridge block"},
	} {
		target, err := url.Parse(c.target)
		if err != nil {
			t.Fatal(err)
		}
		config, err := adaptBlock(c.block)
		if err == nil {
			err = fence{target, []string{"GIVEN"}}.check(config)
		}
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\nof %s: %v\ninstead of %q", c.block, c.target, err, c.want)
		}
	}
}

func TestAWrongBlockHasTheLineThatIsWrong(t *testing.T) {
	for block, line := range map[string]int{
		"sse_bridge /m 127.0.0.1:9000 {\n\titems a\n\titmes b\n}\n":       3,
		"# a note\nsse_bridge /m 127.0.0.1:9000 {\n\tinterval soon\n}\n":  3,
		"sse_bridge /m 127.0.0.1:9000 {\n\tname a\n\timport x\n}\n":       3,
		"sse_bridge /m 127.0.0.1:9000 {\n\tname a\n}\nrespond x\n":        4,
		"sse_bridge /m 127.0.0.1:9000 {\n\topen {\n\t\tnothing\n\t}\n}\n": 3,
	} {
		_, err := adaptBlock(block)
		wrong, ok := errors.AsType[*quick.BlockError](err)
		if !ok || wrong.Line != line || strings.Contains(err.Error(), "block:") {
			t.Errorf("%q: %v, %+v", block, err, wrong)
		}
	}
}
