package clients

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// programFolder holds a program for each client that knows HTTP but no event streams. With "alone" it shows what the client does by
// itself, and with "follow" how to follow a stream with it.
const programFolder = "test/clients/programs"

// httpClient is such a client.
type httpClient struct {
	name   string
	debian []string // its packages, of which the first one has its version; or nil, if the program that runs it has
	file   string   // its program, in programFolder
	run    []string // what runs the program, with $AUTHORITY for the file of the certificate's authority, or for a class of Java nil

	holdsBack bool // left alone, it brings events late
}

var httpClientList = []httpClient{
	{"curl", []string{"curl"}, "shell/with_curl.sh", []string{"bash"}, false},
	{"Python urllib", []string{"python3-minimal"}, "python/with_urllib.py", python, false},
	{"Python requests", []string{"python3-requests"}, "python/with_requests.py", python, false},
	{"Python httpx", []string{"python3-httpx", "python3-h2"}, "python/with_httpx.py", python, false},
	{"Python aiohttp", []string{"python3-aiohttp"}, "python/with_aiohttp.py", python, false},
	{"Perl Mojolicious", []string{"libmojolicious-perl", "libio-socket-ssl-perl"}, "perl/with_mojolicious.pl", []string{"perl"}, false},
	{"Perl LWP", []string{"libwww-perl", "liblwp-protocol-https-perl"}, "perl/with_lwp.pl", []string{"perl"}, false},
	{"Perl HTTP::Tiny", []string{"perl", "libio-socket-ssl-perl"}, "perl/with_http_tiny.pl", []string{"perl"}, false},
	{"Ruby Net::HTTP", []string{"ruby3.1"}, "ruby/with_net_http.rb", []string{"ruby"}, false},
	{"Ruby http.rb", []string{"ruby-http"}, "ruby/with_http_rb.rb", []string{"ruby"}, false},
	{"Ruby em-http-request", []string{"ruby-em-http-request"}, "ruby/with_em_http_request.rb", []string{"ruby"}, false},
	{"PHP fopen", []string{"php8.2-cli"}, "php/with_fopen.php", php, true},
	{"PHP curl", []string{"php8.2-curl"}, "php/with_curl.php", php, false},
	{"PHP Guzzle", []string{"php-guzzlehttp-guzzle"}, "php/with_guzzle.php", php, true},
	{"PHP Symfony EventSourceHttpClient", []string{"php-symfony-http-client", "php8.2-curl"}, "php/with_symfony.php", php, false},
	{"Java java.net.http", []string{"openjdk-17-jdk-headless"}, "java/WithHttpClient.java", nil, false},
	{"Java HttpURLConnection", []string{"openjdk-17-jdk-headless"}, "java/WithURLConnection.java", nil, false},
	{"Java OkHttp", []string{"libokhttp-java", "openjdk-17-jdk-headless"}, "java/WithOkHttp.java", nil, false},
	{"Node http", nil, "node/with_http.mjs", []string{"node"}, false},
	{"Node fetch", nil, "node/with_fetch.mjs", []string{"node"}, false},
	{"Erlang httpc", []string{"erlang-inets", "erlang-ssl"}, "erlang/with_httpc.escript", []string{"escript"}, false},
	{"libsoup", []string{"gir1.2-soup-3.0", "python3-gi", "glib-networking"}, "python/with_libsoup.py", python, false},
}

var (
	python = []string{"/usr/bin/python3"} // Debian's, which has Debian's modules
	php    = []string{"php", "-d", "curl.cainfo=$AUTHORITY"}
)

// version returns the version of the client: of Node, or of the first package without Debian's own part of it.
func (c httpClient) version(t *testing.T) string {
	t.Helper()
	if c.debian == nil {
		return versionOf(t, c.run[0])
	}
	versions := make([]string, len(c.debian))
	for i, name := range c.debian {
		versions[i] = debianVersion(t, name)
	}
	return versions[0]
}

// java is what the programs of Java run with.
type java struct {
	classes, trust string
}

// newJava compiles the programs of Java.
func newJava(t *testing.T, authority string) *java {
	t.Helper()
	folder := t.TempDir()
	j := &java{folder + ":/usr/share/java/okhttp.jar:/usr/share/java/okio.jar", filepath.Join(folder, "trust.p12")}
	sources, err := filepath.Glob(filepath.Join(programFolder, "java", "*.java"))
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		append([]string{"javac", "-cp", j.classes, "-d", folder}, sources...),
		{"keytool", "-importcert", "-noprompt", "-file", authority, "-keystore", j.trust, "-storepass", "changeit"},
	} {
		if output, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", args[0], err, output)
		}
	}
	return j
}

// command returns what runs a class.
func (j *java) command(file string) []string {
	return []string{
		"java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Djavax.net.ssl.trustStore=" + j.trust,
		"-Djavax.net.ssl.trustStorePassword=changeit", "-cp", j.classes, strings.TrimSuffix(filepath.Base(file), ".java"),
	}
}

// followAs follows with a program, which is told how.
func followAs(how string, command []string) clientFunc {
	return func(ctx context.Context, to target, each func(seen)) error {
		if command[0] == "escript" && strings.HasPrefix(to.url, "https:") {
			to.url = byName(to.url) // Erlang refuses certificates for IP addresses
		}
		args := append(slices.Clone(command), how, to.url)
		if to.id != "" {
			args = append(args, to.id)
		}
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "$AUTHORITY", to.authority)
		}
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Env = append(os.Environ(), fmt.Sprint("LOST_AFTER=", 2*lostAfter.Milliseconds()), "PYTHONDONTWRITEBYTECODE=1")
		for _, name := range []string{"SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "MOJO_CA_FILE", "PERL_LWP_SSL_CA_FILE", "NODE_EXTRA_CA_CERTS"} {
			cmd.Env = append(cmd.Env, name+"="+to.authority)
		}
		// a shell leaves what it runs behind when it alone is told to go
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
		said := new(testsite.LockedBuffer)
		cmd.Stderr = said
		output, err := cmd.StdoutPipe()
		if err != nil {
			return err
		}
		if err := cmd.Start(); err != nil {
			return err
		}
		lines := bufio.NewScanner(io.TeeReader(output, said))
		for lines.Buffer(nil, 1<<20); lines.Scan(); {
			if e, ok := parseSeen(lines.Text()); ok {
				each(e)
			}
		}
		if err := errors.Join(lines.Err(), cmd.Wait()); err != nil {
			return fmt.Errorf("%w, %s", err, said)
		}
		return nil
	}
}
