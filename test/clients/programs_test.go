package clients

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/tmaxmax/go-sse"
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

// program is a client under test.
type program struct {
	name    string
	version string
	debian  bool   // whether the version is Debian's, and not pinned
	api     string // by which it takes a stored id, or ""
	browser bool
	follow  clientFunc
}

const npmFolder = "test/clients/npm"

// withCode follows the name of a client that runs with the code that docs/clients.md gives for it.
const withCode = ", with the code below"

// clientPrograms returns the clients that are there: in CI, all of them. They end with the test.
func clientPrograms(t *testing.T) (programs []program, missing int) {
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
	for _, b := range []struct{ name, kind, command string }{{"Chromium", "chrome", "chromium"}, {"Firefox", "firefox", "firefox-esr"}} {
		add(program{name: b.name, debian: true, browser: true}, func(t *testing.T) string {
			npmVersion(t, "puppeteer-core")
			return versionOf(t, b.command)
		}, func() clientFunc { return newTabs(t, b.kind, b.command).follow })
	}
	for _, c := range []struct{ name, api, withCode string }{
		{name: "eventsource", api: "`fetch`"},
		{name: "eventsource-client", api: "`initialLastEventId`", withCode: "eventsource-client+"},
		{name: "@microsoft/fetch-event-source", api: "`headers`", withCode: "@microsoft/fetch-event-source+"},
		{name: "launchdarkly-eventsource", api: "`headers`"},
	} {
		version := func(t *testing.T) string { return npmVersion(t, c.name) }
		add(program{name: "npm " + c.name, api: c.api}, version, func() clientFunc { return followNPM(c.name) })
		if c.withCode != "" {
			add(program{name: "npm " + c.name + withCode, api: c.api}, version, func() clientFunc { return followNPM(c.withCode) })
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
		name := "Go " + strings.TrimPrefix(c.module, "github.com/")
		version := func(t *testing.T) string { return goVersion(t, c.module) }
		add(program{name: name, api: c.api}, version, func() clientFunc { return c.follow })
		if c.withCode != nil {
			add(program{name: name + withCode, api: c.api}, version, func() clientFunc { return c.withCode })
		}
	}
	add(program{name: "curl", debian: true, api: "`-H`"}, func(t *testing.T) string { return versionOf(t, "curl") },
		func() clientFunc { return followCurl })
	return programs, missing
}

// versionOf asks a Debian program for its version.
func versionOf(t *testing.T, command string) string {
	t.Helper()
	path, err := exec.LookPath(command)
	testsite.Need(t, fmt.Sprintf("%s (Debian: %[1]s)", command), err)
	output, err := exec.Command(path, "--version").Output()
	if err != nil {
		t.Fatalf("asking %s for its version: %v", command, err)
	}
	version := regexp.MustCompile(`\d+(\.\d+)*`).FindString(string(output))
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
		cmd.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+to.authority)
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

// followCurl follows with curl.
func followCurl(ctx context.Context, to target, each func(seen)) error {
	args := []string{"-sSN", "--cacert", to.authority, "-H", "Accept: text/event-stream"}
	if to.id != "" {
		args = append(args, "-H", "Last-Event-ID: "+to.id)
	}
	return readAll(exec.CommandContext(ctx, "curl", append(args, to.url)...), func(output io.Reader) error {
		for e, err := range sse.Read(output, nil) {
			if err != nil {
				return err
			}
			each(seen{e.Type, e.LastEventID, e.Data})
		}
		return nil
	})
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

// tabs is a browser of test/clients/npm/browser.mjs.
type tabs struct {
	mu     sync.Mutex
	input  io.Writer
	says   map[int]chan string // what the page in each tab says
	exited chan struct{}
}

// startPatience is how long a browser may take until it has shown a page. A busy machine takes a minute.
const startPatience = 5 * time.Minute

// newTabs starts a browser, which ends with the test. It waits until the browser has shown a page, so that no trial waits for that.
func newTabs(t *testing.T, kind, command string) *tabs {
	t.Helper()
	path, err := exec.LookPath(command)
	testsite.Need(t, fmt.Sprintf("%s (Debian: %[1]s)", command), err)
	npmVersion(t, "puppeteer-core")
	cmd := exec.Command("node", "browser.mjs", kind, path)
	cmd.Dir = npmFolder
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	said := new(testsite.LockedBuffer)
	cmd.Stderr = said
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan string, 1)
	b := &tabs{input: input, says: map[int]chan string{0: ready}, exited: make(chan struct{})}
	go func() {
		defer close(b.exited)
		for lines := bufio.NewScanner(output); lines.Scan(); {
			number, text, _ := strings.Cut(lines.Text(), " ")
			n, _ := strconv.Atoi(number)
			b.mu.Lock()
			tab := b.says[n]
			b.mu.Unlock()
			if tab != nil {
				tab <- text
			}
		}
		_ = cmd.Wait() // what it says tells more
	}()
	t.Cleanup(func() {
		input.Close()
		select {
		case <-b.exited:
		case <-time.After(testsite.Patience):
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it may just have exited
			<-b.exited
			t.Errorf("%s has not exited in %s", command, testsite.Patience)
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", command, said)
		}
	})
	select {
	case <-ready:
	case <-b.exited:
		t.Fatalf("%s has exited at its start", command)
	case <-time.After(startPatience):
		t.Fatalf("%s has shown no page in %s", command, startPatience)
	}
	return b
}

// followPage is the page of a tab. It says the events, and "closed" when its EventSource is.
const followPage = `<!doctype html>
<meta charset="utf-8">
<title>follow</title>
<link rel="icon" href="data:,">
<script>
"use strict";
const query = new URLSearchParams(location.search);
for (let i = 0; i < query.get("streams"); i++) {
	const source = new EventSource(query.get("url") + (i > 0 ? "?stream=" + i : ""));
	for (const type of ["message", "joined", "bridge.reset", "bridge.busy", "bridge.position"]) {
		source.addEventListener(type, e => console.log(JSON.stringify([e.type, e.lastEventId, e.data])));
	}
	source.addEventListener("error", () => {
		if (source.readyState === EventSource.CLOSED) {
			console.log("closed");
		}
	});
}
</script>
`

// follow opens a tab of its own.
func (b *tabs) follow(ctx context.Context, to target, each func(seen)) error {
	stream, err := url.Parse(to.url)
	if err != nil {
		return err
	}
	page := url.URL{Scheme: stream.Scheme, Host: stream.Host, Path: "/page", RawQuery: url.Values{
		"url": {stream.RequestURI()}, "streams": {strconv.Itoa(max(1, to.streams))},
	}.Encode()}
	tab := make(chan string, 1<<10)
	b.mu.Lock()
	number := len(b.says) // 0 is the browser's own
	b.says[number] = tab
	_, err = fmt.Fprintln(b.input, number, page.String())
	b.mu.Unlock()
	if err != nil {
		return err
	}
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		fmt.Fprintln(b.input, number)
	}()
	for {
		select {
		case text := <-tab:
			if text == "closed" {
				return errors.New(text)
			}
			if e, ok := parseSeen(text); ok {
				each(e)
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-b.exited:
			return errors.New("the browser has exited")
		}
	}
}
