// Command backend is a small chat as it was written before server-sent events: pages ask
// GET /messages?lastId=N over and over, and each request is held until there is something newer.
// It knows nothing of the bridge in front of it.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// lines are what the bot says, one after the other.
var lines = []string{
	"Good morning! Coffee is ready.",
	"The build is green again.",
	"Has anyone seen my stapler?",
	"Lunch at twelve?",
	"I put the report on the shared drive.",
	"This server is from 2009, and still going strong.",
	"Please don't restart it.",
	"The printer on the second floor works. Nobody knows why.",
	"Who wrote this? Oh. It was me.",
	"Have a look at the charts above.",
}

// shortestPause is how long the bot is silent at least, unless BOT_PAUSE says otherwise. Its pauses are up to twice
// that, and differ, so that no poller keeps time with it.
const shortestPause = 1700 * time.Millisecond

func main() {
	log.SetFlags(0)
	log.SetPrefix("backend: ")
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	port := os.Getenv("PORT")
	if port == "" {
		port = "8081"
	}
	pause := shortestPause
	if text := os.Getenv("BOT_PAUSE"); text != "" {
		var err error
		if pause, err = time.ParseDuration(text); err != nil || pause <= 0 {
			return fmt.Errorf("BOT_PAUSE is %q: it should be a duration, as 500ms", text)
		}
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return fmt.Errorf("listening (PORT sets another port): %w", err)
	}
	log.Printf("listening on http://%s", listener.Addr())

	chat := newChat()
	var bot sync.WaitGroup
	bot.Go(func() { talk(ctx, chat, pause) })
	defer bot.Wait()

	// Held requests end with ctx, so that the shutdown need not wait for them.
	server := &http.Server{
		Handler:           chat.routes(),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 10 * time.Second,
	}
	go func() {
		<-ctx.Done()
		if err := server.Shutdown(context.Background()); err != nil {
			log.Printf("shutting down: %v", err)
		}
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}

// talk lets the bot speak until ctx ends, with pauses of this length to twice that.
func talk(ctx context.Context, chat *chat, pause time.Duration) {
	for i := 0; ; i++ {
		chat.say("bot", lines[i%len(lines)])
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause + rand.N(pause)):
		}
	}
}
