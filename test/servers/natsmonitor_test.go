package servers

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// natsMonitor is a server of NATS with JetStream, and a client of it. Its address is that of its monitoring.
type natsMonitor struct {
	*testsite.Component
	t       *testing.T
	clients string
}

func startNATSMonitor(t *testing.T) *natsMonitor {
	t.Helper()
	n := &natsMonitor{t: t, clients: testport.Free(t)}
	program, folder, addr := testsite.NeedServer(t, "nats-server", "nats-server"), t.TempDir(), testport.Free(t)
	config := fmt.Sprintf("listen: %q\nhttp: %q\njetstream { store_dir: %q }\n", n.clients, addr, folder)
	if err := os.WriteFile(filepath.Join(folder, "nats.conf"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	n.Component = testsite.RunComponent(t, folder, nil, program, "-c", "nats.conf")
	n.Listens(t, n.clients)
	n.Listens(t, addr)
	return n
}

// connect returns a client with a name.
func (n *natsMonitor) connect(name string) *natsClient {
	n.t.Helper()
	conn, err := net.Dial("tcp", n.clients)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { conn.Close() })
	c := &natsClient{n.t, conn, bufio.NewReader(conn)}
	c.send(fmt.Sprintf("CONNECT {\"verbose\":false,\"name\":%q}\r\n", name))
	return c
}

type natsClient struct {
	t    *testing.T
	conn net.Conn
	said *bufio.Reader
}

// send sends lines, and waits until the server has taken them.
func (c *natsClient) send(lines string) {
	c.t.Helper()
	if _, err := fmt.Fprint(c.conn, lines+"PING\r\n"); err != nil {
		c.t.Fatal(err)
	}
	for {
		line, err := c.said.ReadString('\n')
		switch {
		case err != nil:
			c.t.Fatal(err)
		case strings.HasPrefix(line, "-ERR"):
			c.t.Fatal(line)
		case strings.HasPrefix(line, "PONG"):
			return
		}
	}
}

func meetNATSConnections(t *testing.T) newcomer {
	n := startNATSMonitor(t)
	var names []string
	clients := make(map[string]*natsClient)
	change := func(i int) {
		if i%3 == 0 {
			clients[names[0]].conn.Close()
			names = names[1:]
			return
		}
		name := fmt.Sprintf("client-%03d", i)
		clients[name] = n.connect(name)
		names = append(names, name)
	}
	change(1)
	change(2)
	return newcomer{
		url: "http://" + n.Addr + "/connz", list: "connections", show: at("name"),
		change: func(i int) { change(i + 3) }, want: func(int) string { return strings.Join(names, " ") },
	}
}

func meetJetStream(t *testing.T) newcomer {
	n := startNATSMonitor(t)
	c := n.connect("speaker")
	c.send("SUB answers 1\r\n")
	stream := `{"name":"news","subjects":["news"]}`
	c.send(fmt.Sprintf("PUB $JS.API.STREAM.CREATE.news answers %d\r\n%s\r\n", len(stream), stream))
	return newcomer{
		url: "http://" + n.Addr + "/jsz", show: at("messages"),
		change: func(int) { c.send("PUB news 2\r\nhi\r\n") },
		want:   strconv.Itoa,
	}
}
