package cli

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/spf13/pflag"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/suggest"
	"github.com/sse-bridge/caddy-sse-bridge/internal/upstream"
)

// suggestBlock examines an endpoint and prints a block.
func suggestBlock(ctx context.Context, flags *pflag.FlagSet, target string, headers []string, out io.Writer) error {
	e, err := endpointOf(flags, target, headers)
	if err != nil {
		return err
	}
	e.Say = func(text string) { fmt.Fprintln(out, "# "+text) }
	block, err := suggest.For(ctx, e)
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, block.String())
	return err
}

// endpointOf is the endpoint that a command line names, with the request that is made there.
func endpointOf(flags *pflag.FlagSet, target string, headers []string) (e suggest.Endpoint, err error) {
	u, err := parseTarget(target)
	if err != nil {
		return e, err
	}
	client, err := tryRequest(u, headers)
	if err != nil {
		return e, err
	}
	e = suggest.Endpoint{URL: u, Host: client.Host, Header: upstream.PollHeader(new(config.Plan), client.Header), Client: http.DefaultTransport}
	for name, values := range client.Header {
		if name == "Accept" {
			continue
		}
		if e.Header[name] = values; name != "Cookie" { // which browsers send by themselves
			e.Ours = append(e.Ours, name)
		}
	}
	slices.Sort(e.Ours)
	if e.Method, e.Body, e.Type, err = posted(flags); err != nil {
		return e, err
	}
	if e.Insecure, _ = flags.GetBool("insecure"); e.Insecure {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // as was asked for
		e.Client = transport
	}
	return e, nil
}

// posted reads --method and --body. A body makes the request a POST.
func posted(flags *pflag.FlagSet) (method, body, contentType string, err error) {
	last := func(name string) string {
		values := flags.Lookup(name).Value.(*flagValues).values
		if len(values) == 0 {
			return ""
		}
		return values[len(values)-1]
	}
	if method = strings.ToUpper(last("method")); method != "" && !config.IsToken(method) {
		return "", "", "", fmt.Errorf("--method: %q is not a method such as POST", method)
	}
	if body = last("body"); body == "" {
		return method, "", "", nil
	}
	if method == "" {
		method = http.MethodPost
	}
	if !strings.ContainsAny(body[:1], "\"`") {
		return method, body, "", nil
	}
	words := caddyfile.NewTestDispenser(body)
	var all []string
	for words.NextArg() {
		all = append(all, words.Val())
	}
	switch len(all) {
	case 1:
		return method, all[0], "", nil
	case 2:
		return method, all[0], all[1], nil
	}
	return "", "", "", fmt.Errorf("--body: %q is not a text and, perhaps, a content type", body)
}
