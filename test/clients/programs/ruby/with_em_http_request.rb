# Follows a stream with em-http-request.

require 'em-http-request'
require_relative 'events'

alone, url, stream = arguments

# Connects, and says in the end how it went: with the status, or with what is wrong.
connect = lambda do |options, &ended|
  request = EventMachine::HttpRequest.new(url, tls: { verify_peer: true }, **options).get(head: stream.headers)
  request.stream { |chunk| stream.feed(chunk) }
  request.callback { ended.call(request.response_header.status, nil) }
  request.errback { ended.call(request.response_header.status, request.error || 'lost') }
end

follow = lambda do
  # of silence; it has 10 s by itself, and the bridge says something every 15 s
  connect.call({ connect_timeout: 10, inactivity_timeout: lost_after }) do |status, error|
    next EventMachine.stop if final?(status)

    puts "lost: #{error}" if error
    EventMachine.add_timer(stream.wait, &follow)
  end
end

EventMachine.run do
  if alone
    connect.call({}) do |_, error|
      abort error.to_s if error
      EventMachine.stop
    end
  else
    follow.call
  end
end
