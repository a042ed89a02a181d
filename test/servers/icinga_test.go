package servers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/tidwall/gjson"
)

const icingaLogin = "Basic cm9vdDpzZWNyZXQ=" // root, secret

// icinga is an Icinga 2 with the host `web` and its service `http`, which it does not check by itself.
type icinga struct {
	*testsite.Component
	t      *testing.T
	folder string
}

func startIcinga(t *testing.T) *icinga {
	t.Helper()
	i := &icinga{t: t, folder: t.TempDir()}
	for _, folder := range []string{"data/certs", "log", "cache", "spool", "run"} {
		if err := os.MkdirAll(filepath.Join(i.folder, folder), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	writeCertificate(t, filepath.Join(i.folder, "data/certs/icinga.test"))
	if err := os.Link(i.certificate(), filepath.Join(i.folder, "data/certs/ca.crt")); err != nil {
		t.Fatal(err)
	}
	i.start(testport.Free(t))
	return i
}

func (i *icinga) certificate() string { return filepath.Join(i.folder, "data/certs/icinga.test.crt") }

// start starts it, at an address.
func (i *icinga) start(addr string) {
	i.t.Helper()
	program := testsite.NeedServer(i.t, "icinga2", "icinga2-bin, icinga2-common")
	host, port, _ := net.SplitHostPort(addr)
	config := fmt.Sprintf(`const NodeName = "icinga.test"
const ZoneName = NodeName
const TicketSalt = ""
const PluginDir = "/nowhere"
include <itl>
object Endpoint NodeName { }
object Zone ZoneName { endpoints = [ NodeName ] }
object ApiListener "api" { bind_host = %q; bind_port = %s }
object ApiUser "root" { password = "secret"; permissions = [ "*" ] }
object Host "web" { check_command = "passive"; enable_active_checks = false }
object Service "http" { host_name = "web"; check_command = "passive"; enable_active_checks = false; max_check_attempts = 1 }
`, host, port)
	if err := os.WriteFile(filepath.Join(i.folder, "icinga2.conf"), []byte(config), 0o600); err != nil {
		i.t.Fatal(err)
	}
	me, err := user.Current()
	if err != nil {
		i.t.Fatal(err)
	}
	group, err := user.LookupGroupId(me.Gid)
	if err != nil {
		i.t.Fatal(err)
	}
	args := []string{"daemon", "-c", "icinga2.conf", "-x", "warning"}
	for name, folder := range map[string]string{"DataDir": "data", "LogDir": "log", "CacheDir": "cache", "SpoolDir": "spool", "InitRunDir": "run"} {
		args = append(args, "-D", name+"="+filepath.Join(i.folder, folder))
	}
	i.Component = testsite.RunComponent(i.t, i.folder, []string{"ICINGA2_USER=" + me.Username, "ICINGA2_GROUP=" + group.Name}, program, args...)
	i.Stubborn = true // now and then it does not go when it is told to
	i.Listens(i.t, addr)
}

// writeCertificate makes a certificate for icinga.test that it has signed itself, at path.crt and path.key.
func writeCertificate(t *testing.T, path string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "icinga.test"}, DNSNames: []string{"icinga.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		".crt": {Type: "CERTIFICATE", Bytes: certificate}, ".key": {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(path+name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// do calls the API, which is a moment late to take calls.
func (i *icinga) do(method, path, body string) {
	i.t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	said := ""
	testsite.Eventually(i.t, "Icinga to do "+path, func() bool {
		r, err := http.NewRequestWithContext(i.t.Context(), method, "https://"+i.Addr+"/v1"+path, strings.NewReader(body))
		if err != nil {
			i.t.Fatal(err)
		}
		r.Header.Set("Accept", "application/json")
		r.Header.Set("Authorization", icingaLogin)
		resp, err := client.Do(r)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		said = string(text)
		return resp.StatusCode == http.StatusOK
	})
	if len(said) == 0 {
		i.t.Fatalf("%s: no answer", path)
	}
}

// check has the service be in a state.
func (i *icinga) check(state int, output string) {
	i.t.Helper()
	i.do(http.MethodPost, "/actions/process-check-result", fmt.Sprintf(
		`{"type":"Service","filter":"service.name==\"http\"","exit_status":%d,"plugin_output":%q}`, state, output))
}

// site is a recipe in front of it, which trusts its certificate.
func (i *icinga) site(recipe string, edits ...string) string {
	i.t.Helper()
	i.t.Setenv("ICINGA_LOGIN", strings.TrimPrefix(icingaLogin, "Basic "))
	trusts := fmt.Sprintf("upstream {\nreverse_proxy https://%s {\ntransport http {\ntls_trust_pool file %s\ntls_server_name icinga.test\n}\n}\n}", i.Addr, i.certificate())
	site := recipeSite(i.t, recipe, "ADDRESS", edits...)
	return strings.Replace(site, " ADDRESS {\n", " {\n"+trusts+"\n", 1)
}

func TestEventsOfAnIcingaComeAndALossIsAnnounced(t *testing.T) {
	i := startIcinga(t)
	s := testsite.Run(t, i.site("icinga-events"))
	stream := testsite.Subscribe(t, s.URL+"/icinga")
	// what comes before the wanted event may be late
	want := func(output string) {
		t.Helper()
		for e := stream.Next(); gjson.Get(e.Data, "check_result.output").Str != output; e = stream.Next() {
			if e.Type == "bridge.reset" {
				t.Fatalf("got %+v, want the event of %q", e, output)
			}
		}
	}
	state := 0
	change := func(output string) {
		t.Helper()
		state = 2 - state
		i.check(state, output)
	}
	testsite.Eventually(t, "the first event", func() bool { // the stream has begun then
		change("first")
		return len(stream.Events) > 0
	})
	change("second")
	want("second")
	addr := i.Addr
	i.Stop()
	i.start(addr)
	e := stream.Next()
	for e.Type == "bridge.upstream" || e.Type == "StateChange" {
		e = stream.Next()
	}
	if e.Type != "bridge.reset" || e.Data != `{"reason":"gap"}` {
		t.Fatalf("after the restart: got %+v, want a reset", e)
	}
	change("third")
	want("third")
}

func TestServicesOfAnIcingaComeAsTheyChange(t *testing.T) {
	i := startIcinga(t)
	i.check(0, "fine")
	show := func(item gjson.Result) string {
		return item.Get("name").Str + "=" + item.Get("attrs.state").Raw + item.Get("attrs.acknowledgement").Raw
	}
	followSet(t, i.site("icinga-services", "interval 2s", "interval 50ms"), "/services", show, "web!http=00",
		setChange{func() { i.check(2, "broken") }, "web!http=20"},
		setChange{func() {
			i.do(http.MethodPost, "/actions/acknowledge-problem", `{"type":"Service","filter":"service.name==\"http\"","author":"ann","comment":"known"}`)
		}, "web!http=21"},
		setChange{func() {
			i.do(http.MethodPut, "/objects/services/web!dns", `{"attrs":{"check_command":"passive","enable_active_checks":false}}`)
		}, "web!dns=30 web!http=21"},
		setChange{func() { i.do(http.MethodDelete, "/objects/services/web!dns?cascade=1", "") }, "web!http=21"},
	)
}
