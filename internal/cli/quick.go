package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sse-bridge/caddy-sse-bridge/internal/quick"
	"github.com/sse-bridge/caddy-sse-bridge/internal/suggest"
)

const quickLong = `Serves an endpoint that is polled as a stream of events, with a page that shows the events,
the polls, and the block that does it.

It streams at once, by a first guess, and examines the endpoint meanwhile, as
"try --suggest" does. Then it uses the block that it suggests. On the page, the answer is a
tree: choose a list, an id or a position, or edit the block, and see what comes. A client of the
stream keeps its response when the block changes: a comment says so, and the new stream follows.

-H adds a header field to each poll. Its value is not shown: the block has a placeholder, such
as {env.X_API_KEY}, for which Caddy needs the value in its environment later.

It listens on an address of loopback, and only for who has the token in the URL that it prints.
It polls only the endpoint's own scheme, host and port, and a block reads no files, and of the
environment only what the command line has given. It is a tool to look with, not a way to
serve other people: for that, put the block into a Caddyfile. Ctrl-C ends it.`

const quickExample = `  caddy sse-bridge quick http://127.0.0.1:9000/messages
  caddy sse-bridge quick 'http://127.0.0.1:9000/messages?lastId=0'
  caddy sse-bridge quick https://example.com/api/inbox -H 'Authorization: Bearer …'
  caddy sse-bridge quick https://localhost:8443/events --insecure --listen 127.0.0.1:9999`

// quickAddress is where the page is, if nothing else is there.
const quickAddress = "127.0.0.1:8888"

func quickCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "quick <url>",
		Short:   "Serves an endpoint as a stream, with a page that shows its events and the block for it",
		Long:    quickLong,
		Example: quickExample,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return errors.New("the URL is missing: caddy sse-bridge quick http://127.0.0.1:9000/messages")
			case len(args) > 1:
				return fmt.Errorf("unexpected argument %q: give one URL, in quotes if it has & or ? in it", args[1])
			}
			return nil
		},
		DisableFlagsInUseLine: true,
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.VarP(&flagValues{kind: "field"}, "header", "H", "a header field of all polls: 'X-API-Key: 42' (repeatable)")
	flags.Var(&flagValues{kind: "verb"}, "method", "the method of the polls, such as POST")
	flags.Var(&flagValues{kind: "text"}, "body", "the body of the polls, which makes them a POST")
	flags.BoolP("insecure", "k", false, "do not check the endpoint's certificate")
	flags.String("listen", "", "the page's address, on loopback (default "+quickAddress+", or any port that is free)")
	cmd.SetUsageTemplate(tryUsage)
	cmd.SetFlagErrorFunc(flagError)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		return quickly(ctx, cmd.Flags(), args[0], cmd.OutOrStdout())
	}
	return cmd
}

// quickly is the command.
func quickly(ctx context.Context, flags *pflag.FlagSet, target string, out io.Writer) error {
	address, _ := flags.GetString("listen")
	endpoint, err := newQuickEndpoint(flags, target)
	if err != nil {
		return err
	}
	l, err := listenFor(ctx, address)
	if err != nil {
		return err
	}
	printed := "" // what the examination has found last
	site := &quickSite{endpoint: endpoint, ctx: ctx}
	defer site.stop()
	server := quick.New(quick.Options{
		Target: endpoint.shown(), Site: site,
		Guess: func(ctx context.Context) (string, error) {
			return textOf(suggest.Guess(ctx, endpoint.examined(nil)))
		},
		Examine: func(ctx context.Context, say func(string)) (string, error) {
			block, err := textOf(suggest.For(ctx, endpoint.examined(say)))
			if found := block; ctx.Err() == nil {
				if err != nil {
					found = "# " + err.Error() + "\n"
				}
				if found != printed {
					fmt.Fprint(out, "\n", found)
				}
				printed = found
			}
			return block, err
		},
	})
	at := "http://" + l.Addr().String()
	fmt.Fprintf(out, "Streaming %s\n\n  page    %s\n  stream  curl -N %s\n\nCtrl-C ends it.\n", endpoint.shown(), at+server.Path(), at+server.StreamPath())
	return server.Serve(ctx, l)
}

// textOf is a block as text, if there is one.
func textOf(b *suggest.Block, err error) (string, error) {
	if err != nil {
		return "", err
	}
	return b.String(), nil
}

// listenFor listens at the address that was given, or at the usual one, or at any.
func listenFor(ctx context.Context, address string) (net.Listener, error) {
	if address != "" {
		l, err := quick.Listen(ctx, address)
		if err != nil {
			return nil, fmt.Errorf("--listen: %w", err)
		}
		return l, nil
	}
	if l, err := quick.Listen(ctx, quickAddress); err == nil {
		return l, nil
	}
	return quick.Listen(ctx, "127.0.0.1:0")
}
