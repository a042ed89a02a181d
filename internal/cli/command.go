// Package cli is the command `caddy sse-bridge`: it shows an endpoint as a stream, tries a configuration, or suggests one.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/sse-bridge/caddy-sse-bridge/internal/shape"
	"github.com/sse-bridge/caddy-sse-bridge/internal/trial"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "sse-bridge",
		Usage: "<command>",
		Short: "Shows the events of a backend, tries an sse_bridge on it, or suggests a block",
		Long: `The handler sse_bridge turns an endpoint that is polled into a stream of events.
These commands help to set it up.`,
		CobraFunc: func(cmd *cobra.Command) {
			cmd.Example = `  # what does this endpoint look like as a stream?
  caddy sse-bridge quick http://127.0.0.1:9000/messages

  # what does this endpoint need?
  caddy sse-bridge try --suggest 'http://127.0.0.1:9000/messages?lastId=0'

  # which events do these lines make?
  caddy sse-bridge try http://127.0.0.1:9000/messages --items messages --id id --query 'lastId={sse.cursor}'

  # which events does the block in this Caddyfile make?
  caddy sse-bridge try /messages --caddyfile Caddyfile`
			cmd.AddCommand(quickCommand(), tryCommand())
		},
	})
}

const tryLong = `Polls a backend as an sse_bridge does. For each poll it prints the request, the answer,
what each path finds, the events with their ids, and when the next poll follows and why.
If an answer makes no event, it prints the likely reason. Of an answer that goes on
(--stream), it prints the records as they come, signs of life, and how it ends.

It polls the URL. The flags are the subdirectives of a Caddyfile, and take the same
arguments with the same quoting; a flag with one argument needs no quotes inside. With
--caddyfile, it tries the block that a request for the URL reaches; the URL may be a path
of a site in that file. No server is started.

--suggest examines an endpoint that you do not know. It sends some GET requests with
different query parameters, or what --method and --body say, and prints a block to start
from. It takes about ten seconds; an answer that goes on is read for 15 seconds.

It continues until Ctrl-C, or for the number of polls in --polls; then the exit status is 1
if a poll failed. Of a stream, records that come together count as a poll, and so does an end.
With --for, the last line is a verdict: "works" (exit status 0), "works, but …" (2), or
"does not, because …" (1).

Secrets in requests are masked: those that their names tell, and all that comes from the
environment or from files. The backend's answers are not masked.`

const tryExample = `  caddy sse-bridge try 'http://127.0.0.1:9000/messages?lastId=0' --items messages --id id --query 'lastId={sse.cursor}'
  caddy sse-bridge try http://127.0.0.1:5984/demo/_changes --long-poll=60s --query 'feed=longpoll' \
      --query 'since={sse.cursor}' --items results --id seq
  caddy sse-bridge try http://127.0.0.1:5984/demo/_changes --stream=30s --format lines --query 'feed=continuous' \
      --query 'heartbeat=10000' --query 'since={sse.cursor}' --id seq
  caddy sse-bridge try https://example.com/api/inbox -H 'Cookie: session=…' --polls 1
  caddy sse-bridge try /messages --caddyfile Caddyfile --site http://localhost:8080
  caddy sse-bridge try /messages --caddyfile Caddyfile --for 1m --json | tail -n 1
  caddy sse-bridge try http://127.0.0.1:9000/messages -H 'Last-Event-ID: 42' --json | jq .events
  caddy sse-bridge try --suggest http://127.0.0.1:9000/messages
  caddy sse-bridge try --suggest http://127.0.0.1:6680/mopidy/rpc --method POST \
      --body '{"jsonrpc":"2.0","id":1,"method":"core.tracklist.get_tl_tracks"}'`

func tryCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "try <url>",
		Short:   "Polls a backend and prints what an sse_bridge makes of its answers",
		Long:    tryLong,
		Example: tryExample,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return errors.New("the URL is missing: caddy sse-bridge try http://127.0.0.1:9000/messages")
			case len(args) > 1:
				return fmt.Errorf("unexpected argument %q: give one URL, put the value of a flag in quotes, and use = for --long-poll, --stream and --cookies", args[1])
			}
			return nil
		},
		DisableFlagsInUseLine: true,
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.String("caddyfile", "", "try the sse_bridge that a request for the URL reaches in this Caddyfile")
	flags.String("site", "", "the site of the Caddyfile, if the URL is a path: http://localhost:8080")
	flags.Bool("suggest", false, "examine the endpoint and print a block to start from")
	flags.VarP(&flagValues{kind: "field"}, "header", "H", "a header field of the client: 'Cookie: sid=42' (repeatable)")
	flags.Duration("for", 0, "stop after this time, such as 1m, with a verdict")
	flags.BoolP("insecure", "k", false, "take any certificate of the backend")
	flags.Int("polls", 0, "stop after this many polls (default: continue until Ctrl-C)")
	flags.Bool("json", false, "print each poll as a line of JSON")
	flags.Bool("show-secrets", false, "do not mask credentials in what is sent")
	for _, f := range tryFlags() {
		v := &flagValues{kind: kindOf(f.Name)}
		flags.Var(v, flagName(f.Name), f.Trial)
		if v.optional() {
			flags.Lookup(flagName(f.Name)).NoOptDefVal = "true"
		}
	}
	flags.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		return pflag.NormalizedName(flagName(name))
	})
	cmd.SetUsageTemplate(tryUsage)
	cmd.SetFlagErrorFunc(flagError)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		err := try(ctx, cmd.Flags(), args[0], cmd.OutOrStdout())
		if errors.Is(err, context.Canceled) {
			return nil // by Ctrl-C
		}
		cmd.SilenceErrors = errors.Is(err, errPollFailed)
		if verdict, ok := errors.AsType[verdictError](err); ok {
			return verdict.exit(cmd)
		}
		return err
	}
	return cmd
}

// tryUsage is cobra's own template, with only the parts that this command has.
const tryUsage = `Usage:
  {{.UseLine}} [flags]

Examples:
{{.Example}}

Flags:
{{.LocalFlags.FlagUsagesWrapped 100 | trimTrailingWhitespaces}}
`

// errPollFailed ends the command with the status 1. The failure has already been printed.
var errPollFailed = errors.New("a poll failed")

// flagError adds the flag that was probably meant to the error of an unknown flag.
func flagError(cmd *cobra.Command, err error) error {
	wrong, found := strings.CutPrefix(err.Error(), "unknown flag: --")
	if !found {
		return err
	}
	var all []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { all = append(all, f.Name) })
	if near := shape.NearestName(wrong, all); near != "" {
		return fmt.Errorf("%w; did you mean --%s?", err, near)
	}
	return fmt.Errorf("%w; `caddy sse-bridge try --help` lists them", err)
}

// try is the command.
func try(ctx context.Context, flags *pflag.FlagSet, target string, out io.Writer) error {
	var (
		file, _      = flags.GetString("caddyfile")
		site, _      = flags.GetString("site")
		polls, _     = flags.GetInt("polls")
		lasts, _     = flags.GetDuration("for")
		secrets, _   = flags.GetBool("show-secrets")
		asJSON, _    = flags.GetBool("json")
		suggested, _ = flags.GetBool("suggest")
		insecure, _  = flags.GetBool("insecure")
		headers      = flags.Lookup("header").Value.(*flagValues).values
	)
	var given []string
	for _, f := range tryFlags() {
		if flags.Changed(flagName(f.Name)) && !(suggested && (f.Name == "method" || f.Name == "body")) {
			given = append(given, "--"+flagName(f.Name))
		}
	}
	switch {
	case polls < 0:
		return errors.New("--polls: use 0 or a positive number")
	case lasts < 0:
		return errors.New("--for: use a positive duration, such as 1m")
	case suggested && lasts > 0:
		return errors.New("--suggest asks a few times only: remove --for, and use it with the block")
	case suggested && (file != "" || len(given) > 0):
		return errors.New("--suggest takes a URL, and -H, --method, --body and --insecure: remove --caddyfile and the other subdirectives")
	case file != "" && len(given) > 0:
		return fmt.Errorf("%s: it cannot be used with --caddyfile: change the block, or remove --caddyfile", given[0])
	case file != "" && insecure:
		return errors.New("--insecure: it cannot be used with --caddyfile: write tls_insecure_skip_verify into the transport of the block's reverse_proxy")
	case file == "" && site != "":
		return errors.New("--site: it can be used only with --caddyfile")
	case suggested:
		return suggestBlock(ctx, flags, target, headers, out)
	}
	var reports judging = &trial.Text{W: out, Paint: trial.Paint(inColour(out))}
	if asJSON {
		reports = trial.Lines{W: out}
	}
	a := &attempt{polls: polls, secrets: secrets, out: reports}
	u, err := a.prepare(flags, file, site, target)
	if err != nil {
		return err
	}
	if a.request, err = tryRequest(u, withLogin(u, headers)); err != nil {
		return err
	}
	if lasts > 0 {
		return a.runFor(ctx, lasts, reports)
	}
	if err := a.run(ctx); err != nil {
		return err
	}
	if a.failed && (polls > 0 || ctx.Err() == nil) {
		return errPollFailed
	}
	return nil
}

// prepare sets up the configuration to try, and returns the URL that the client requests.
func (t *attempt) prepare(flags *pflag.FlagSet, file, site, target string) (u *url.URL, err error) {
	var config []byte
	var server string
	if file != "" {
		if config, err = adaptFile(file); err != nil {
			return nil, err
		}
		if u, err = siteURL(config, site, target); err != nil {
			return nil, err
		}
		if server, err = serverFor(config, u); err != nil {
			return nil, err
		}
	} else {
		if u, err = parseTarget(target); err != nil {
			return nil, err
		}
		insecure, _ := flags.GetBool("insecure")
		lines := caddyfileOf(u, insecure, func(name string) []string {
			return flags.Lookup(flagName(name)).Value.(*flagValues).values
		})
		if config, err = lines.adapt(); err != nil {
			return nil, err
		}
		server = "srv0" // the adapter's name for the first one
	}
	t.hidden = secretsOf(config, file)
	if t.server, err = provisionServer(config, server); err != nil {
		return nil, err
	}
	return u, nil
}

// inColour reports whether the output is for a terminal that shows colours (https://no-color.org).
func inColour(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(file.Fd()))
}
