package servers

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/tidwall/gjson"
)

const rabbitLogin = "Basic Z3Vlc3Q6Z3Vlc3Q=" // guest, who may come from this machine alone

// startRabbitMQ runs a broker with its management plugin, whose figures are as new as they get.
func startRabbitMQ(t *testing.T) *testsite.Component {
	t.Helper()
	// the program in the PATH insists on a user of its own
	program := testsite.NeedServer(t, "/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server")
	folder, addr, amqp := t.TempDir(), testport.Free(t), testport.Free(t)
	port := func(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }
	for name, text := range map[string]string{
		"plugins":       "[rabbitmq_management].\n",
		"rabbitmq.conf": "listeners.tcp.1 = " + amqp + "\nmanagement.tcp.ip = 127.0.0.1\nmanagement.tcp.port = " + port(addr) + "\ncollect_statistics_interval = 500\n",
		"env":           "",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// the daemon that Erlang would start itself would outlive the test
	names := testport.Free(t)
	epmd := testsite.RunComponent(t, folder, nil, testsite.NeedServer(t, "epmd", "erlang-base"), "-address", "127.0.0.1", "-port", port(names))
	epmd.Listens(t, names)
	c := testsite.RunComponent(t, folder, []string{
		"HOME=" + folder, "RABBITMQ_NODENAME=test" + port(amqp) + "@localhost", "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1", "RABBITMQ_NODE_PORT=" + port(amqp),
		"RABBITMQ_MNESIA_BASE=" + folder + "/data", "RABBITMQ_LOG_BASE=" + folder + "/log", "RABBITMQ_ENABLED_PLUGINS_FILE=" + folder + "/plugins",
		"RABBITMQ_CONFIG_FILE=" + folder + "/rabbitmq", "RABBITMQ_CONF_ENV_FILE=" + folder + "/env", "RABBITMQ_GENERATED_CONFIG_DIR=" + folder + "/generated",
		"RABBITMQ_DIST_PORT=" + port(testport.Free(t)), "ERL_EPMD_ADDRESS=127.0.0.1", "ERL_EPMD_PORT=" + port(names),
	}, program)
	c.Listens(t, addr)
	testsite.Eventually(t, "RabbitMQ to answer", func() bool {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/api/queues", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", rabbitLogin)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return c
}

func TestQueuesOfARabbitMQComeAsTheyChange(t *testing.T) {
	c := startRabbitMQ(t)
	t.Setenv("RABBITMQ_LOGIN", strings.TrimPrefix(rabbitLogin, "Basic "))
	ask := func(method, path, body string) func() {
		return func() {
			testsite.Post(t, method, "http://"+c.Addr+"/api"+path, "application/json", body, "Authorization", rabbitLogin)
		}
	}
	publish := ask(http.MethodPost, "/exchanges/%2F/amq.default/publish", `{"properties":{},"routing_key":"jobs","payload":"x","payload_encoding":"string"}`)
	show := func(item gjson.Result) string { return item.Get("name").Str + "=" + item.Get("messages").Raw }
	ask(http.MethodPut, "/queues/%2F/jobs", "{}")()
	followSet(t, recipeSite(t, "rabbitmq-queues", c.Addr, "interval 5s", "interval 50ms"), "/queues", show, "jobs=0",
		setChange{publish, "jobs=1"},
		setChange{ask(http.MethodPut, "/queues/%2F/mail", "{}"), "jobs=1 mail=0"},
		setChange{publish, "jobs=2 mail=0"},
		setChange{ask(http.MethodDelete, "/queues/%2F/jobs", ""), "mail=0"},
	)
}

// The value of a row is how many messages its queue has.
func meetRabbitMQ(t *testing.T) newcomer {
	c := startRabbitMQ(t)
	ask := func(method, path, body string) string {
		return testsite.Post(t, method, "http://"+c.Addr+"/api"+path, "application/json", body, "Authorization", rabbitLogin)
	}
	has := make(map[string]int)
	change, want := rows(func(name string, i int) {
		if _, ok := has[name]; !ok {
			ask(http.MethodPut, "/queues/%2F/"+name, "{}")
		}
		for ; has[name] < i; has[name]++ {
			ask(http.MethodPost, "/exchanges/%2F/amq.default/publish", fmt.Sprintf(`{"properties":{},"routing_key":%q,"payload":"x","payload_encoding":"string"}`, name))
		}
	}, func(name string) {
		ask(http.MethodDelete, "/queues/%2F/"+name, "")
		delete(has, name)
	})
	testsite.Eventually(t, "the figures of both queues", func() bool { // which come some seconds after the queues
		return len(gjson.Get(ask(http.MethodGet, "/queues", ""), "#.messages").Array()) == 2
	})
	return newcomer{
		url: "http://" + c.Addr + "/api/queues", header: []string{"Authorization", rabbitLogin}, change: change, want: want, list: "@this",
		show: row("name", "messages"),
	}
}
