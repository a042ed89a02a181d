//go:build unix

// Command demo runs the legacy chat of this folder and Caddy in front of it, until it is
// interrupted or one of the two ends. It leaves no process and no file behind.
//
//	demo <folder>
//
// The folder is the one that this file is in; the programs caddy and backend are expected
// beside this one. PORT (default 8080) is the port of the page.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/examples/demo/internal/buttons"
	"github.com/sse-bridge/caddy-sse-bridge/examples/demo/internal/program"
	"github.com/sse-bridge/caddy-sse-bridge/examples/demo/internal/wire"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("demo: ")
	if len(os.Args) != 2 {
		log.Fatal("usage: demo <folder>")
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
	programs := filepath.Dir(self)
	p, err := choosePorts(os.Getenv("PORT"))
	if err != nil {
		return err
	}
	data, err := os.MkdirTemp("", "sse-bridge-demo-")
	if err != nil {
		return fmt.Errorf("making a folder for Caddy's data: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(data)) }()

	backend, err := program.Start(filepath.Join(programs, "backend"), folder, []string{"PORT=" + p.behindBackend})
	if err != nil {
		return err
	}
	defer backend.Stop()
	c := &control{
		stats: "http://127.0.0.1:" + p.behindBackend + "/stats", started: time.Now(), failed: make(chan error, 1),
		config: &config{file: filepath.Join(folder, "Caddyfile"), admin: "http://localhost:" + p.admin},
		crowd:  &crowd{url: "http://localhost:" + p.page + "/messages"},
	}
	if err := program.Ready(ctx, c.stats, backend); err != nil {
		return err
	}
	if c.back, err = wire.New("127.0.0.1:"+p.backend, "127.0.0.1:"+p.behindBackend, c.polls.fromCaddy); err != nil {
		return err
	}
	defer c.back.Close()
	var stop context.CancelFunc
	c.ctx, stop = context.WithCancel(ctx)
	defer c.wait()
	defer stop()
	server, err := buttons.Serve(c.handler(), c.fail)
	if err != nil {
		return err
	}
	defer server.Close()

	caddy, err := program.Start(filepath.Join(programs, "caddy"), folder, []string{
		"PORT=" + p.behindPage, "BACKEND_PORT=" + p.backend, "ADMIN_PORT=" + p.admin, "CONTROL=" + server.Addr,
		"XDG_CONFIG_HOME=" + data, "XDG_DATA_HOME=" + data,
	}, "run", "--config", "Caddyfile", "--adapter", "caddyfile")
	if err != nil {
		return err
	}
	c.front, err = wire.New("127.0.0.1:"+p.page, "127.0.0.1:"+p.behindPage, c.clients.fromClients)
	defer func() {
		// Caddy ends its streams first, and then waits for the polls that the backend holds.
		caddy.Signal()
		caddy.Wait(time.Second)
		c.front.Close()
		backend.Signal()
		caddy.Stop()
	}()
	if err != nil {
		return err
	}
	page := "http://localhost:" + p.page
	if err := program.Ready(ctx, page+"/stats", caddy); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return nil
	}

	fmt.Printf(`
  The chat is at %s

  As a client that is no browser sees it:
    curl %[1]s/messages
    curl -N -H 'Accept: text/event-stream' %[1]s/messages

  Ctrl-C ends it.

`, page)
	backend.Speak()
	caddy.Speak()

	select {
	case <-ctx.Done():
		return nil
	case err := <-c.failed:
		return err
	case <-backend.Done():
		return backend.Died()
	case <-caddy.Done():
		return caddy.Died()
	}
}
