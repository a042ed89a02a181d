package servers

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/tidwall/gjson"
)

func TestAlertsOfAnAlertmanagerComeAsTheyChange(t *testing.T) {
	program, folder := testsite.NeedServer(t, "prometheus-alertmanager", "prometheus-alertmanager"), t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "config.yml"), []byte("route: {receiver: none}\nreceivers: [{name: none}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := testsite.StartComponent(t, folder, nil, program, "--config.file=config.yml", "--storage.path=data", "--web.listen-address={{addr}}", "--cluster.listen-address=")
	alert := func(name, summary string, until time.Duration) func() {
		return func() {
			testsite.Post(t, http.MethodPost, "http://"+c.Addr+"/api/v2/alerts", "application/json", fmt.Sprintf(
				`[{"labels":{"alertname":%q},"annotations":{"summary":%q},"startsAt":"2026-01-01T00:00:00Z","endsAt":%q}]`, name, summary, time.Now().Add(until).Format(time.RFC3339Nano)))
		}
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
