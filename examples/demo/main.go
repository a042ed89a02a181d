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
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

const startWithin = 30 * time.Second

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

	backend, err := start(filepath.Join(programs, "backend"), folder, []string{"PORT=" + p.behindBackend})
	if err != nil {
		return err
	}
	defer backend.stop()
	c := &control{
		stats: "http://127.0.0.1:" + p.behindBackend + "/stats", started: time.Now(), failed: make(chan error, 1),
		config: &config{file: filepath.Join(folder, "Caddyfile"), admin: "http://localhost:" + p.admin},
		crowd:  &crowd{url: "http://localhost:" + p.page + "/messages"},
	}
	if err := ready(ctx, c.stats, backend); err != nil {
		return err
	}
	if c.back, err = newWire("127.0.0.1:"+p.backend, "127.0.0.1:"+p.behindBackend, c.polls.fromCaddy); err != nil {
		return err
	}
	defer c.back.close()
	var stop context.CancelFunc
	c.ctx, stop = context.WithCancel(ctx)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		stop()
		return fmt.Errorf("listening for /control/: %w", err)
	}
	c.serve(listener)
	defer c.close()
	defer stop()

	caddy, err := start(filepath.Join(programs, "caddy"), folder, []string{
		"PORT=" + p.behindPage, "BACKEND_PORT=" + p.backend, "ADMIN_PORT=" + p.admin, "CONTROL=" + listener.Addr().String(),
		"XDG_CONFIG_HOME=" + data, "XDG_DATA_HOME=" + data,
	}, "run", "--config", "Caddyfile", "--adapter", "caddyfile")
	if err != nil {
		return err
	}
	c.front, err = newWire("127.0.0.1:"+p.page, "127.0.0.1:"+p.behindPage, c.clients.fromClients)
	defer func() {
		// Caddy ends its streams first, and then waits for the polls that the backend holds.
		caddy.signal()
		caddy.wait(time.Second)
		c.front.close()
		backend.signal()
		caddy.stop()
	}()
	if err != nil {
		return err
	}
	page := "http://localhost:" + p.page
	if err := ready(ctx, page+"/stats", caddy); err != nil {
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
	backend.output.drop()
	caddy.output.drop()

	select {
	case <-ctx.Done():
		return nil
	case err := <-c.failed:
		return err
	case <-backend.done:
		return backend.died()
	case <-caddy.done:
		return caddy.died()
	}
}

// ready waits until the url is answered by the program that was started for it.
func ready(ctx context.Context, url string, c *child) error {
	limit := time.NewTimer(startWithin)
	defer limit.Stop()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	client := &http.Client{Timeout: time.Second}
	for {
		if resp, err := client.Get(url); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil
		case <-c.done:
			return c.died()
		case <-limit.C:
			c.output.show()
			return fmt.Errorf("%s does not answer at %s", c.name, url)
		}
	}
}
