package clients

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// target is a stream that a client is to follow.
type target struct {
	url       string
	id        string // where the client left last time, for its own API, or ""
	streams   int    // how many of it at once; only browsers are asked for more than one
	authority string // the file of the certificate's authority
}

// clientFunc follows a target, calls each for every event, and returns when the client has given up.
type clientFunc func(ctx context.Context, to target, each func(seen)) error

// The families of clients, each of which has a table of its own.
const (
	browsers    = "Browsers"
	libraries   = "Libraries in pages"
	npm         = "npm"
	golang      = "Go"
	httpClients = "HTTP clients"
)

// program is a client under test.
type program struct {
	family  string
	name    string
	version string
	debian  bool   // whether the version is Debian's, and not pinned
	api     string // by which it takes a stored id, or ""
	watches bool   // it takes a silent connection for lost
	prefix  string // of its streams, if they are of a kind of their own
	closes  bool   // its code closes the stream at bridge.end
	follow  clientFunc

	file        string     // of an HTTP client: the program that follows with it
	withProgram clientFunc // follows so
	holdsBack   bool       // alone, it brings events late
}

const npmFolder = "test/clients/npm"

// withCode follows the name of a client that runs with the code that docs/clients.md gives for it.
const withCode = ", with the code below"

// lostAfter is how long clients wait, if their code says so, until they take a silent connection for lost. HTTP clients wait twice
// as long: some of them have no other limit for the start of an answer.
const lostAfter = 8 * time.Second

// clientPrograms returns the clients that are there: in CI, all of them. They end with the test.
func clientPrograms(t *testing.T, s *clientSite) (programs []program, missing int) {
	t.Helper()
	// what is missing is skipped alone
	add := func(p program, version func(t *testing.T) string, start func() clientFunc) {
		if t.Run("is there/"+p.name, func(t *testing.T) { p.version = version(t) }) && p.version != "" {
			p.follow = start()
			programs = append(programs, p)
			return
		}
		missing++
	}
	chromium := browserPrograms(t, add)
	if chromium != nil {
		for _, l := range pageLibraries {
			p := program{family: libraries, name: l.name, api: l.api, watches: l.watches, prefix: l.prefix}
			version := func(t *testing.T) string { return npmVersion(t, cmp.Or(l.module, l.name)) }
			if l.plain != "" {
				add(p, version, func() clientFunc { return chromium.following(l.name) })
			}
			if l.section != "" {
				p.name, p.closes = p.name+withCode, l.closes
				add(p, version, func() clientFunc { return chromium.following(p.name) })
			}
		}
	}
	for _, c := range []struct {
		name, module, api, withCode string
		watches                     bool // with code
	}{
		{name: "eventsource", api: "`fetch`"},
		{name: "eventsource 2", module: "eventsource-2", api: "`headers`"},
		{name: "undici", withCode: "undici+"},
		{name: "extended-eventsource", api: "`headers`"},
		{name: "event-source-plus", api: "`headers`", withCode: "event-source-plus+"},
		{name: "fetch-event-stream" + withCode, module: "fetch-event-stream", api: "the loop"},
		{name: "eventsource-parser" + withCode, module: "eventsource-parser", api: "the loop", watches: true},
		{name: "eventsource-client", api: "`initialLastEventId`", withCode: "eventsource-client+"},
		{name: "@microsoft/fetch-event-source", api: "`headers`", withCode: "@microsoft/fetch-event-source+"},
		{name: "launchdarkly-eventsource", api: "`headers`", withCode: "launchdarkly-eventsource+", watches: true},
	} {
		version := func(t *testing.T) string { return npmVersion(t, cmp.Or(c.module, c.name)) }
		client := strings.TrimSuffix(c.name, withCode)
		add(program{family: npm, name: c.name, api: c.api, watches: c.watches && c.withCode == ""}, version, func() clientFunc { return followNPM(client) })
		if c.withCode != "" {
			add(program{family: npm, name: c.name + withCode, api: c.api, watches: c.watches}, version, func() clientFunc { return followNPM(c.withCode) })
		}
	}
	for _, c := range []struct {
		module, api      string
		follow, withCode clientFunc
	}{
		{"github.com/tmaxmax/go-sse", "the request's header", followGoSSE, nil},
		{"github.com/r3labs/sse/v2", "`LastEventID`", followR3labs, followR3labsWithCode},
		{"github.com/donovanhide/eventsource", "`Subscribe`", followDonovanhide, followDonovanhideWithCode},
	} {
		name := strings.TrimPrefix(c.module, "github.com/")
		version := func(t *testing.T) string { return goVersion(t, c.module) }
		add(program{family: golang, name: name, api: c.api}, version, func() clientFunc { return c.follow })
		if c.withCode != nil {
			add(program{family: golang, name: name + withCode, api: c.api}, version, func() clientFunc { return c.withCode })
		}
	}
	compiled := sync.OnceValue(func() *java { return newJava(t, s.authority) })
	for _, c := range httpClientList {
		command := func() []string {
			if c.run == nil {
				return compiled().command(c.file)
			}
			return append(slices.Clone(c.run), filepath.Join(programFolder, c.file))
		}
		p := program{family: httpClients, name: c.name, debian: true, file: c.file, holdsBack: c.holdsBack}
		p.withProgram = func(ctx context.Context, to target, each func(seen)) error {
			return followAs("follow", command())(ctx, to, each)
		}
		add(p, func(t *testing.T) string { return c.version(t) }, func() clientFunc { return followAs("alone", command()) })
	}
	return programs, missing
}

// browserPrograms adds the browsers, and returns the Chromium, or nil if it is missing.
func browserPrograms(t *testing.T, add func(program, func(*testing.T) string, func() clientFunc)) (chromium *tabs) {
	t.Helper()
	for _, b := range []struct {
		name    string
		version func(t *testing.T) string
		start   func(t *testing.T) *tabs
		code    bool // it is tried with the code for lost connections, too
	}{
		{"Chromium", func(t *testing.T) string { return versionOf(t, "chromium") }, func(t *testing.T) *tabs {
			chromium = puppeteer(t, "chrome", "chromium")
			return chromium
		}, true},
		{"Firefox", func(t *testing.T) string { return versionOf(t, "firefox-esr") }, func(t *testing.T) *tabs {
			return puppeteer(t, "firefox", "firefox-esr")
		}, false},
		{"WebKitGTK", func(t *testing.T) string { return debianVersion(t, "webkit2gtk-driver") }, newFrames, true},
		{"QtWebEngine", func(t *testing.T) string {
			debianVersion(t, "python3-pyqt5.qtwebengine")
			return debianVersion(t, "libqt5webengine5")
		}, qtWebEngine, false},
	} {
		p := program{family: browsers, name: b.name, debian: true}
		var opened *tabs
		add(p, b.version, func() clientFunc {
			opened = b.start(t)
			return opened.following("")
		})
		if p.name, p.watches, p.prefix = b.name+withCode, true, alive; b.code {
			add(p, b.version, func() clientFunc { return opened.following(withCode) })
		}
	}
	return chromium
}

// plainVersion is a version without what distributions add to it.
var plainVersion = regexp.MustCompile(`\d+(\.\d+)*`)

// versionOf asks a Debian program for its version.
func versionOf(t *testing.T, command string) string {
	t.Helper()
	path, err := exec.LookPath(command)
	testsite.Need(t, fmt.Sprintf("%s (Debian: %[1]s)", command), err)
	output, err := exec.Command(path, "--version").Output()
	if err != nil {
		t.Fatalf("asking %s for its version: %v", command, err)
	}
	version := plainVersion.FindString(string(output))
	if version == "" {
		t.Fatalf("%s says that its version is %q", command, output)
	}
	return version
}

// npmVersion returns the version of a package of npm.
func npmVersion(t *testing.T, name string) string {
	t.Helper()
	testsite.NeedNode(t, npmFolder)
	content, err := os.ReadFile(filepath.Join(npmFolder, "node_modules", name, "package.json"))
	testsite.Need(t, fmt.Sprintf("%s (run `npm install` in %s)", name, npmFolder), err)
	var about struct{ Version string }
	if err := json.Unmarshal(content, &about); err != nil {
		t.Fatal(err)
	}
	return about.Version
}

// goVersion returns the version of a module that this one requires.
func goVersion(t *testing.T, module string) string {
	t.Helper()
	content, err := os.ReadFile("test/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^\s` + regexp.QuoteMeta(module) + ` (\S+)`).FindSubmatch(content)
	if m == nil {
		t.Fatalf("test/go.mod does not require %s", module)
	}
	return string(m[1])
}

// followNPM follows with a client of test/clients/npm/client.mjs.
func followNPM(name string) clientFunc {
	return func(ctx context.Context, to target, each func(seen)) error {
		args := []string{"client.mjs", name, to.url}
		if to.id != "" {
			args = append(args, to.id)
		}
		cmd := exec.CommandContext(ctx, "node", args...)
		cmd.Dir = npmFolder
		cmd.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+to.authority, fmt.Sprint("LOST_AFTER=", lostAfter.Milliseconds()))
		return readAll(cmd, func(output io.Reader) error {
			for lines := bufio.NewScanner(output); lines.Scan(); {
				if e, ok := parseSeen(lines.Text()); ok {
					each(e)
				}
			}
			return nil
		})
	}
}

// readAll runs a command and reads its output. What it says beside that is in the error.
func readAll(cmd *exec.Cmd, read func(io.Reader) error) error {
	said := new(testsite.LockedBuffer)
	cmd.Stderr = said
	output, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	err = read(output)
	return fmt.Errorf("%w, %q", errors.Join(err, cmd.Wait()), said)
}

// parseSeen reads an event that a program has printed as a JSON array.
func parseSeen(line string) (seen, bool) {
	var fields [3]string
	err := json.Unmarshal([]byte(line), &fields)
	return seen{fields[0], fields[1], fields[2]}, err == nil
}
