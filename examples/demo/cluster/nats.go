//go:build unix

package main

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// natsServer is a NATS server in this process, as `nats-server -a 127.0.0.1` would be in one of its own.
type natsServer struct {
	port    string
	running *server.Server // nil: it is stopped
}

func (n *natsServer) start() error {
	port, err := strconv.Atoi(n.port)
	if err != nil {
		return fmt.Errorf("the port of the NATS server: %w", err)
	}
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, NoSigs: true, NoLog: true})
	if err != nil {
		return fmt.Errorf("starting the NATS server: %w", err)
	}
	n.running = s
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		n.stop()
		return errors.New("the NATS server takes no connections")
	}
	return nil
}

func (n *natsServer) stop() {
	if n.running == nil {
		return
	}
	n.running.Shutdown()
	n.running.WaitForShutdown()
	n.running = nil
}
