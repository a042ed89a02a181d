package clients

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// tabs is a browser, in which each client has a tab of its own.
type tabs struct {
	mu     sync.Mutex
	input  io.Writer
	says   map[int]chan string // what the page in each tab says
	exited chan struct{}
}

// startPatience is how long a browser may take until it has shown a page, and any client until its first request. A busy machine takes a
// minute.
const startPatience = 5 * time.Minute

// debianVersion returns the version of a Debian package, without Debian's revision.
func debianVersion(t *testing.T, name string) string {
	t.Helper()
	output, err := exec.Command("dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Version}", name).Output()
	state, version, _ := strings.Cut(string(output), " ")
	if err == nil && strings.TrimSpace(state) != "ii" {
		err = errors.New("it is not installed")
	}
	testsite.Need(t, fmt.Sprintf("the Debian package %s", name), err)
	for _, before := range []string{":", "+really"} { // an epoch, or a version that is said to be newer than it is
		if _, after, found := strings.Cut(version, before); found {
			version = after
		}
	}
	return plainVersion.FindString(version)
}

// puppeteer drives a browser by test/clients/npm/browser.mjs.
func puppeteer(t *testing.T, kind, command string) *tabs {
	t.Helper()
	path, err := exec.LookPath(command)
	testsite.Need(t, fmt.Sprintf("%s (Debian: %[1]s)", command), err)
	npmVersion(t, "puppeteer-core")
	cmd := exec.Command("node", "browser.mjs", kind, path)
	cmd.Dir = npmFolder
	return newTabs(t, cmd)
}

// qtWebEngine runs test/clients/qtwebengine.py. Python is Debian's, which has its modules.
func qtWebEngine(t *testing.T) *tabs {
	t.Helper()
	return newTabs(t, exec.Command("/usr/bin/python3", "test/clients/qtwebengine.py"))
}

// newTabs starts a program that opens pages as browser.mjs does. It ends with the test. newTabs waits until the browser has shown a page, so
// that no trial waits for that.
func newTabs(t *testing.T, cmd *exec.Cmd) *tabs {
	t.Helper()
	command := filepath.Base(cmd.Args[len(cmd.Args)-1])
	home := t.TempDir()
	cmd.Env = append(os.Environ(), "TMPDIR="+home, "XDG_RUNTIME_DIR="+home)
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
		lines := bufio.NewScanner(output)
		lines.Buffer(nil, 1<<20) // events are long
		for lines.Scan() {
			number, text, _ := strings.Cut(lines.Text(), " ")
			n, _ := strconv.Atoi(number)
			b.tell(n, text)
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

// tell hands on what the page in a tab says.
func (b *tabs) tell(number int, text string) {
	b.mu.Lock()
	tab := b.says[number]
	b.mu.Unlock()
	if tab != nil {
		tab <- text
	}
}

// following returns a client of these pages, which opens a tab of its own.
func (b *tabs) following(client string) clientFunc {
	return func(ctx context.Context, to target, each func(seen)) error { return b.follow(ctx, client, to, each) }
}

func (b *tabs) follow(ctx context.Context, client string, to target, each func(seen)) error {
	stream, err := url.Parse(to.url)
	if err != nil {
		return err
	}
	page := url.URL{Scheme: stream.Scheme, Host: stream.Host, Path: "/page", RawQuery: url.Values{
		"client": {client}, "url": {stream.RequestURI()}, "id": {to.id}, "streams": {strconv.Itoa(max(1, to.streams))},
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
