//go:build unix

// Command cluster runs three Caddys that are a cluster, a NATS server for them, a Caddy that spreads clients
// over them, and the chat behind them, until it is interrupted or one of them ends by itself. It leaves no
// process and no file behind.
//
//	cluster <folder>
//
// The folder is examples/demo; the programs caddy and backend are expected beside this one. PORT (default 8080)
// is the port of the page.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/examples/demo/internal/buttons"
	"github.com/sse-bridge/caddy-sse-bridge/examples/demo/internal/program"
	"github.com/sse-bridge/caddy-sse-bridge/examples/demo/internal/wire"
)

// botPause is how long the bot is silent at least: so short that messages come while no node polls.
const botPause = 400 * time.Millisecond

func main() {
	log.SetFlags(0)
	log.SetPrefix("cluster: ")
	if len(os.Args) != 2 {
		log.Fatal("usage: cluster <folder>")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Args[1])
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, folder string) (err error) {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("looking for the programs: %w", err)
	}
	caddy := filepath.Join(filepath.Dir(self), "caddy")
	p, err := choosePorts(os.Getenv("PORT"))
	if err != nil {
		return err
	}
	data, err := os.MkdirTemp("", "sse-bridge-cluster-")
	if err != nil {
		return fmt.Errorf("making a folder for Caddy's data: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(data)) }()

	backend, err := program.Start(filepath.Join(filepath.Dir(self), "backend"), folder, []string{"PORT=" + p.behindBackend, "BOT_PAUSE=" + botPause.String()})
	if err != nil {
		return err
	}
	defer backend.Stop()
	page := "http://localhost:" + p.page
	c := &control{
		stats: "http://127.0.0.1:" + p.behindBackend + "/stats", nats: &natsServer{port: p.nats}, visitors: &visitors{url: page + "/messages"},
		started: time.Now(), failed: make(chan error, 1),
	}
	if err := program.Ready(ctx, c.stats, backend); err != nil {
		return err
	}
	if err := c.nats.start(); err != nil {
		return err
	}
	defer c.nats.stop()
	for i, name := range nodeNames {
		c.nodes = append(c.nodes, &node{name: name, admin: "http://localhost:" + p.admin[i], port: p.nodes[i], start: func() (*program.Child, error) {
			return program.Start(caddy, folder, []string{
				"NODE=" + name, "PORT=" + p.nodes[i], "ADMIN_PORT=" + p.admin[i], "BACKEND_PORT=" + p.backend, "NATS_PORT=" + p.nats,
				"XDG_CONFIG_HOME=" + filepath.Join(data, name), "XDG_DATA_HOME=" + filepath.Join(data, name),
			}, "run", "--config", filepath.Join("cluster", "node.Caddyfile"), "--adapter", "caddyfile")
		}})
	}
	back, err := wire.New("127.0.0.1:"+p.backend, "127.0.0.1:"+p.behindBackend, c.polledBy)
	if err != nil {
		return err
	}
	defer back.Close()

	// What runs until the end ends first, and starts nothing again.
	running, stop := context.WithCancel(ctx)
	c.ctx = running
	defer func() {
		stop()
		c.running.Wait()
		c.stopNodes()
	}()
	if err := c.startNodes(); err != nil {
		return err
	}
	server, err := buttons.Serve(c.handler(), c.fail)
	if err != nil {
		return err
	}
	defer server.Close()
	balancer, err := program.Start(caddy, folder, []string{
		"PORT=" + p.page, "CONTROL=" + server.Addr, "NODES=127.0.0.1:" + strings.Join(p.nodes[:], " 127.0.0.1:"),
		"XDG_CONFIG_HOME=" + data, "XDG_DATA_HOME=" + data,
	}, "run", "--config", filepath.Join("cluster", "balancer.Caddyfile"), "--adapter", "caddyfile")
	if err != nil {
		return err
	}
	defer balancer.Stop()
	if err := program.Ready(ctx, page, balancer); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return nil
	}
	c.running.Go(func() { c.visitors.come(running) })

	fmt.Printf(`
  Three nodes, and the chat behind them, are at %s

  Each node's own status page:
    http://localhost:%s/sse_bridge/
    http://localhost:%s/sse_bridge/
    http://localhost:%s/sse_bridge/

  Ctrl-C ends it.

`, page, p.admin[0], p.admin[1], p.admin[2])
	backend.Speak()
	balancer.Speak()

	select {
	case <-ctx.Done():
		return nil
	case err := <-c.failed:
		return err
	case <-backend.Done():
		return backend.Died()
	case <-balancer.Done():
		return balancer.Died()
	}
}
