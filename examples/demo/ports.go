//go:build unix

package main

import "github.com/sse-bridge/caddy-sse-bridge/examples/demo/internal/ports"

// demoPorts are those of the page and of the backend, which wires listen on, of the two programs
// behind the wires, and of Caddy's admin endpoint.
type demoPorts struct{ page, backend, behindPage, behindBackend, admin string }

// choosePorts takes the port of the page as it is wished for, or says that it is taken. Nobody
// types the others, so that any that are free will do.
func choosePorts(page string) (demoPorts, error) {
	page, err := ports.Page(page, "demo")
	if err != nil {
		return demoPorts{}, err
	}
	p := demoPorts{page: page}
	taken := []string{p.page}
	for _, port := range []struct {
		of   *string
		wish string
	}{
		{&p.backend, "8081"}, {&p.admin, "2020"}, {&p.behindPage, "8082"}, {&p.behindBackend, "8083"},
	} {
		if *port.of, err = ports.Another(port.wish, taken); err != nil {
			return p, err
		}
		taken = append(taken, *port.of)
	}
	return p, nil
}
