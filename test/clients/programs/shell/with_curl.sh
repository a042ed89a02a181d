#!/usr/bin/env bash
# Follows a stream with curl. It is used as the programs of python/events.py.

mode=$1 url=$2 last_id=${3:-} wait=3

# The arguments are for curl. What it says of the status is a comment among the lines of the stream.
read_stream() {
  local id=$last_id type='' data='' line value
  [ -z "$last_id" ] || set -- "$@" -H "Last-Event-ID: $last_id"
  status=000
  while IFS= read -r line; do
    value=${line#*:} value=${value# }
    case $line in
    '')
      last_id=$id # not before, as the event may be cut off
      [ -z "$data" ] || show "${type:-message}" "$id" "${data%$'\n'}"
      type='' data=''
      ;;
    :status*) status=${value#status } ;;
    event:*) type=$value ;;
    data:*) data+=$value$'\n' ;;
    id:*) id=$value ;;
    retry:*) wait=$((value / 1000)).$(printf %03d $((value % 1000))) ;;
    esac
  done < <(curl -sSN -H 'Accept: text/event-stream' -w '\n:status %{http_code} %{exitcode}\n' "$@" "$url")
  failed=${status#* } status=${status% *}
}

# Prints an event as JSON.
show() {
  local field json=''
  for field in "$@"; do
    field=${field//\\/\\\\} field=${field//\"/\\\"} field=${field//$'\n'/\\n}
    json+=,\"$field\"
  done
  printf '[%s]\n' "${json#,}"
}

if [ "$mode" = alone ]; then
  read_stream
  exit "$failed"
fi
while true; do
  # less than a byte per second for so many seconds is an error
  read_stream --connect-timeout 10 --speed-limit 1 --speed-time $((${LOST_AFTER:-40000} / 1000))
  case $status in 204 | 4??) exit ;; esac
  sleep "$wait"
done
