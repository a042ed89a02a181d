package ssebridge

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
)

// parseCaddyfile sets up the handler from Caddyfile tokens. Syntax:
//
//	sse_bridge [<matcher>] [<upstreams...>] {
//	    # the poll: the client's request with these edits
//	    method    <verb>
//	    rewrite   <uri>
//	    hosts     <host...>
//	    query     [-]<name> [<template>]
//	    header_up [-]<name> [<template>]
//	    cookies   [<name...>]
//	    body      <template> [<content_type>]
//	    upstream  {
//	        <http handler directives...>
//	    }
//	    session   bayeux <channel...>
//	    session   bosh <domain> <room>
//	    session   phoenix <topic>
//	    session   signalr
//	    session   socketio [<namespace> [<auth>]]
//	    session   sockjs
//	    open      {
//	        when  [!]<value> [<match>...]
//	        epoch <value>
//	        <subdirectives...>
//	    }
//	    wait      {
//	        when <condition>
//	        <subdirectives...>
//	    }
//	    reply     {
//	        when <condition>
//	        <subdirectives...>
//	    }
//	    beat      <interval> {
//	        <subdirectives...>
//	    }
//	    close     {
//	        <subdirectives...>
//	    }
//	    ack       {
//	        <subdirectives...>
//	    }
//
//	    # when to poll
//	    interval  <min> [<max>]
//	    long_poll [<hold>]
//	    stream    [<silence>]
//	    timeout   <duration>
//	    cluster   off
//
//	    # how to read an answer
//	    format    auto|json|jsonp|xml|feed|socketio|sockjs|text|message
//	    format    sse|multipart|scripts
//	    format    csv [header] [<separator>]
//	    format    lines [<separator>]
//	    items     <path>
//	    id        <value>
//	    event     <value> [<default>]
//	    data      <value>
//	    cursor    [<name>] <value> [regexp <pattern>]
//	    start     [<name>] <text>
//	    matching  [<name>] <regexp>
//	    epoch     <value>
//	    order     newest_first|by_id|overlap [overlap]
//	    accept    <status...>
//	    ignore    [!]<value> [<match>...]
//	    more      [!]<value> [<match>...]
//	    fail      [!]<value> [<match>...]
//	    gap       [!]<value> [<match>...]
//	    reopen    [!]<value> [<match>...]
//	    reset     [!]<value> [<match>...]
//	    end       [!]<value> [<match>...]
//	    retry_after <value> [ms|s|m|h]
//	    diff      json_patch
//	    diff      items [json_patch]
//	    jq        <program>
//
//	    # what clients get
//	    replay    <events> [<linger>]
//	    keepalive <duration>
//	    retry     <duration>
//	    lifetime  <duration>
//	    notify
//	    notices   start|end|alive...
//	    name      <name>
//	    cors      <origin...>
//	    limits {
//	        feeds          <n>
//	        chains         <n>
//	        clients        <n>
//	        clients_per_ip <n>
//	        polls          <n>
//	        streams        <n>
//	        response       <size>
//	        log            <size>
//	    }
//	}
//
// The upstreams are short for the block `upstream { reverse_proxy <upstreams...> }`; one of the two
// is required, and only one is allowed. The blocks open, wait, reply, beat, close and ack take the
// subdirectives that make a request and read its answer. The subdirectives open, reply, beat, hosts, query, header_up, cursor, start, matching, accept, ignore,
// more, fail, gap, reopen, reset, end and cors may be repeated. Several lines of one cursor are several values, of
// which the first one that is not empty is used. Of several conditions, one must hold.
func parseCaddyfile(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	config, err := config.ParseCaddyfile(h)
	if err != nil {
		return nil, err
	}
	return &Handler{Config: *config}, nil
}
