//go:build unix

package main

import "github.com/sse-bridge/caddy-sse-bridge/examples/demo/internal/ports"

// clusterPorts are those of the page, of the wire to the backend and of the backend behind it, of the NATS
// server, and of the nodes and their admin endpoints.
type clusterPorts struct {
	page, backend, behindBackend, nats string
	nodes, admin                       [len(nodeNames)]string
}

// choosePorts takes the port of the page as it is wished for, or says that it is taken. Of the others any
// that are free will do. They are wished for too, below those that systems hand out by themselves: that of a node
// stays free while it is dead.
func choosePorts(page string) (p clusterPorts, err error) {
	if p.page, err = ports.Page(page, "cluster"); err != nil {
		return p, err
	}
	taken := []string{p.page}
	for _, port := range []struct {
		of   *string
		wish string
	}{
		{&p.backend, "8091"},
		{&p.nodes[0], "8092"},
		{&p.nodes[1], "8093"},
		{&p.nodes[2], "8094"},
		{&p.behindBackend, "8095"},
		{&p.admin[0], "2031"},
		{&p.admin[1], "2032"},
		{&p.admin[2], "2033"},
		{&p.nats, "4291"},
	} {
		if *port.of, err = ports.Another(port.wish, taken); err != nil {
			return p, err
		}
		taken = append(taken, *port.of)
	}
	return p, nil
}
