#!/usr/bin/env escript
%% Follows a stream with httpc, of Erlang's inets. It is used as the programs of python/events.py.

-record(stream, {last_id = "", wait = 3000, rest = <<>>, id = "", type = "", data = []}).

main([Mode, Url | Id]) ->
    ok = io:setopts([{encoding, latin1}]), % bytes as they are
    {ok, _} = application:ensure_all_started(ssl),
    {ok, _} = application:ensure_all_started(inets),
    Stream = #stream{last_id = lists:append(Id)},
    case Mode of
        "alone" ->
            case read(Url, Stream, infinity) of
                {ended, _, _} -> ok;
                {lost, Why, _} -> io:format(standard_error, "~p~n", [Why]), halt(1)
            end;
        "follow" -> follow(Url, Stream)
    end.

follow(Url, Stream) ->
    case read(Url, Stream, lost_after()) of
        {ended, Status, _} when Status =:= 204; Status >= 400, Status < 500 -> ok;
        {ended, _, Next} -> timer:sleep(Next#stream.wait), follow(Url, Next);
        {lost, Why, Next} -> io:format("lost: ~p~n", [Why]), timer:sleep(Next#stream.wait), follow(Url, Next)
    end.

%% How many ms without a byte mean that the connection is lost. The bridge sends a comment every 15 s.
lost_after() -> list_to_integer(os:getenv("LOST_AFTER", "40000")).

read(Url, #stream{last_id = Id} = Stream, Silence) ->
    Headers = [{"accept", "text/event-stream"} | [{"last-event-id", Id} || Id =/= ""]],
    Tls = [{verify, verify_peer}, {cacertfile, os:getenv("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")}],
    {ok, Request} = httpc:request(get, {Url, Headers}, [{ssl, Tls}, {connect_timeout, 10000}], [{sync, false}, {stream, self}]),
    receive_all(Request, Stream#stream{rest = <<>>, id = Id, type = "", data = []}, Silence).

receive_all(Request, Stream, Silence) ->
    receive
        {http, {Request, stream_start, _}} -> receive_all(Request, Stream, Silence);
        {http, {Request, stream, Bytes}} -> receive_all(Request, feed(Stream, Bytes), Silence);
        {http, {Request, stream_end, _}} -> {ended, 200, Stream};
        {http, {Request, {{_, Status, _}, _, _}}} -> {ended, Status, Stream};
        {http, {Request, {error, Why}}} -> {lost, Why, Stream}
    after Silence -> % httpc itself waits for ever
        ok = httpc:cancel_request(Request),
        {lost, silence, Stream}
    end.

%% Takes bytes as they come, and prints the events that they complete.
feed(#stream{rest = Rest} = Stream, Bytes) ->
    case binary:split(<<Rest/binary, Bytes/binary>>, <<"\n">>) of
        [Line, More] -> feed(line(Stream#stream{rest = <<>>}, string:trim(Line, trailing, "\r")), More);
        [Part] -> Stream#stream{rest = Part}
    end.

line(#stream{id = Id, type = Type, data = Data} = Stream, <<>>) ->
    Data =:= [] orelse show([case Type of "" -> "message"; _ -> Type end, Id, lists:join("\n", lists:reverse(Data))]),
    Stream#stream{last_id = Id, type = "", data = []}; % the id not before, as the event may be cut off
line(Stream, Line) ->
    [Field | Rest] = binary:split(Line, <<":">>),
    Value = case Rest of [<<" ", V/binary>>] -> V; [V] -> V; [] -> <<>> end,
    case Field of
        <<"event">> -> Stream#stream{type = binary_to_list(Value)};
        <<"data">> -> Stream#stream{data = [Value | Stream#stream.data]};
        <<"id">> -> Stream#stream{id = binary_to_list(Value)};
        <<"retry">> -> Stream#stream{wait = binary_to_integer(Value)};
        _ -> Stream
    end.

show(Fields) ->
    io:put_chars(["[", lists:join(",", [quote(F) || F <- Fields]), "]\n"]).

quote(Text) -> [$", [escape(C) || C <- binary_to_list(iolist_to_binary(Text))], $"].

escape($") -> "\\\"";
escape($\\) -> "\\\\";
escape($\n) -> "\\n";
escape(C) -> C.
