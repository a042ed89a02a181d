//go:build unix

package main

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"
)

// ports are those of the page and of the backend, which wires listen on, of the two programs
// behind the wires, and of Caddy's admin endpoint.
type ports struct{ page, backend, behindPage, behindBackend, admin string }

// choosePorts takes the port of the page as it is wished for, or says that it is taken. Nobody
// types the others, so that any that are free will do.
func choosePorts(page string) (ports, error) {
	p := ports{page: page}
	if p.page == "" {
		p.page = "8080"
	}
	if n, err := strconv.Atoi(p.page); err != nil || n < 1 || n > 65535 {
		return p, fmt.Errorf("PORT is %q: it should be a number from 1 to 65535", p.page)
	}
	if err := free(p.page); err != nil {
		return p, fmt.Errorf("port %s cannot be used (%w): choose another one, as in `PORT=8090 make demo`", p.page, err)
	}
	taken := []string{p.page}
	for _, port := range []struct {
		of   *string
		wish string
	}{
		{&p.backend, "8081"}, {&p.admin, "2020"}, {&p.behindPage, "8082"}, {&p.behindBackend, "8083"},
	} {
		var err error
		if *port.of, err = freePort(port.wish, taken); err != nil {
			return p, err
		}
		taken = append(taken, *port.of)
	}
	return p, nil
}

// free reports why a port of this machine cannot be listened on. Caddy shares its ports with other
// processes that do so too, and browsers try both addresses of localhost, so that listening alone
// would not tell: it also looks for someone who answers.
func free(port string) error {
	for _, host := range []string{"127.0.0.1", "::1"} {
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(host, port), 200*time.Millisecond)
		if err == nil {
			conn.Close()
			return fmt.Errorf("another program listens on it")
		}
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return err
	}
	return listener.Close()
}

// freePort is the port that is wished for, or another one if that is taken or is not to be used.
func freePort(wish string, not []string) (string, error) {
	if !slices.Contains(not, wish) && free(wish) == nil {
		return wish, nil
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("looking for a free port: %w", err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return "", fmt.Errorf("looking for a free port: %w", err)
	}
	return port, nil
}
