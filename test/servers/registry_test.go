package servers

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/tidwall/gjson"
)

func startRegistry(t *testing.T) *testsite.Component {
	t.Helper()
	program, folder, addr := testsite.NeedServer(t, "docker-registry", "docker-registry"), t.TempDir(), testport.Free(t)
	config := "version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: data}}\nhttp: {addr: " + addr + "}\n"
	if err := os.WriteFile(filepath.Join(folder, "config.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	c := testsite.RunComponent(t, folder, nil, program, "serve", "config.yml")
	c.Listens(t, addr)
	return c
}

func TestTheCatalogOfADockerRegistryComesAsItGrows(t *testing.T) {
	addr := startRegistry(t).Addr
	push := func(names ...string) {
		t.Helper()
		for _, name := range names {
			pushEmptyImage(t, "http://"+addr+"/v2/"+name)
		}
	}
	show := func(item gjson.Result) string { return item.Str }
	push("app/web", "app/db", "tools/ci")
	followSet(t, recipeSite(t, "docker-registry-catalog", addr, "interval 10s", "interval 50ms"), "/v2/_catalog", show, "app/db app/web tools/ci",
		setChange{func() { push("app/api", "zed") }, "app/api app/db app/web tools/ci zed"},
		setChange{func() { push("alpha") }, "alpha app/api app/db app/web tools/ci zed"},
		setChange{func() { push("b") }, "alpha app/api app/db app/web b tools/ci zed"},
		setChange{func() { push("c") }, "alpha app/api app/db app/web b c tools/ci zed"},
	)
}

// pushEmptyImage makes a repository by an image without layers.
func pushEmptyImage(t *testing.T, repository string) {
	t.Helper()
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte("{}")))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, repository+"/blobs/uploads/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	testsite.Post(t, http.MethodPut, resp.Header.Get("Location")+"&digest="+digest, "application/octet-stream", "{}")
	const manifest = "application/vnd.oci.image.manifest.v1+json"
	testsite.Post(t, http.MethodPut, repository+"/manifests/latest", manifest, fmt.Sprintf(
		`{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":2,"digest":%q},"layers":[]}`, manifest, digest))
}

// The catalog comes in pages, and what is new may stand in any of them.
func meetCatalog(t *testing.T) newcomer {
	c := startRegistry(t)
	all := []string{"app/api", "app/db", "app/web", "tools/ci"}
	push := func(name string) { pushEmptyImage(t, "http://"+c.Addr+"/v2/"+name) }
	for _, name := range all {
		push(name)
	}
	return newcomer{
		url: "http://" + c.Addr + "/v2/_catalog?n=3",
		change: func(i int) {
			name := fmt.Sprintf("%c/event-%d", "az"[i%2], i)
			push(name)
			all = append(all, name)
		},
		want: func(int) string { return strings.Join(slices.Sorted(slices.Values(all)), " ") },
		list: "repositories", show: at("@this"),
	}
}
