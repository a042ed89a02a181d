package servers

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/tidwall/gjson"
)

func startAlertmanager(t *testing.T) *testsite.Component {
	t.Helper()
	program, folder := testsite.NeedServer(t, "prometheus-alertmanager", "prometheus-alertmanager"), t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "config.yml"), []byte("route: {receiver: none}\nreceivers: [{name: none}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return testsite.StartComponent(t, folder, nil, program, "--config.file=config.yml", "--storage.path=data", "--web.listen-address={{addr}}", "--cluster.listen-address=")
}

// raise raises an alert, or resolves one by a time that is over.
func raise(t *testing.T, addr, name, summary string, until time.Duration) {
	t.Helper()
	testsite.Post(t, http.MethodPost, "http://"+addr+"/api/v2/alerts", "application/json", fmt.Sprintf(
		`[{"labels":{"alertname":%q},"annotations":{"summary":%q},"startsAt":"2026-01-01T00:00:00Z","endsAt":%q}]`, name, summary, time.Now().Add(until).Format(time.RFC3339Nano)))
}

func TestAlertsOfAnAlertmanagerComeAsTheyChange(t *testing.T) {
	c := startAlertmanager(t)
	alert := func(name, summary string, until time.Duration) func() {
		return func() { raise(t, c.Addr, name, summary, until) }
	}
	show := func(item gjson.Result) string {
		return item.Get("labels.alertname").Str + "=" + item.Get("annotations.summary").Str + "," + item.Get("status.state").Str
	}
	silence := func() {
		testsite.Post(t, http.MethodPost, "http://"+c.Addr+"/api/v2/silences", "application/json", fmt.Sprintf(
			`{"matchers":[{"name":"alertname","value":"Full","isRegex":false,"isEqual":true}],"startsAt":%q,"endsAt":%q,"createdBy":"ann","comment":"known"}`,
			time.Now().Format(time.RFC3339Nano), time.Now().Add(time.Hour).Format(time.RFC3339Nano)))
	}
	again := alert("Down", "web", time.Hour)
	again()
	followSet(t, recipeSite(t, "alertmanager-alerts", c.Addr, "interval 2s", "interval 50ms"), "/api/v2/alerts", show, "Down=web,active",
		setChange{alert("Full", "disk", time.Hour), "Down=web,active Full=disk,active"},
		setChange{func() { again(); silence() }, "Down=web,active Full=disk,suppressed"},
		setChange{alert("Down", "all", time.Hour), "Down=all,active Full=disk,suppressed"},
		setChange{alert("Down", "all", -time.Second), "Full=disk,suppressed"},
	)
}

func meetAlerts(t *testing.T) newcomer {
	c := startAlertmanager(t)
	change, want := rows(func(name string, i int) { raise(t, c.Addr, name, strconv.Itoa(i), time.Hour) }, func(name string) { raise(t, c.Addr, name, "", -time.Second) })
	return newcomer{
		url: "http://" + c.Addr + "/api/v2/alerts", change: change, want: want, list: "@this",
		show: row("labels.alertname", "annotations.summary"),
	}
}

// A silence that has ended stays.
func meetSilences(t *testing.T) newcomer {
	c := startAlertmanager(t)
	silences := "http://" + c.Addr + "/api/v2/silence"
	ids, states := make(map[int]string), make(map[int]string)
	change := func(i int) {
		if i%3 == 2 {
			testsite.Post(t, http.MethodDelete, silences+"/"+ids[i-1], "", "")
			states[i-1] = "expired"
			return
		}
		ids[i] = gjson.Get(testsite.Post(t, http.MethodPost, silences+"s", "application/json", fmt.Sprintf(
			`{"matchers":[{"name":"alertname","value":"Full","isRegex":false,"isEqual":true}],"startsAt":%q,"endsAt":%q,"createdBy":"ann","comment":"%d"}`,
			time.Now().Format(time.RFC3339Nano), time.Now().Add(time.Hour).Format(time.RFC3339Nano), i)), "silenceID").Str
		states[i] = "active"
	}
	change(-2)
	change(0)
	return newcomer{
		url: silences + "s", change: change, list: "@this", show: row("comment", "status.state"),
		want: func(int) string {
			var all []string
			for i, state := range states {
				all = append(all, fmt.Sprintf("%d=%s", i, state))
			}
			slices.Sort(all)
			return strings.Join(all, " ")
		},
	}
}
