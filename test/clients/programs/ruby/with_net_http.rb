# Follows a stream with Net::HTTP, of Ruby's standard library.

require 'net/http'
require_relative 'events'

alone, url, stream = arguments
uri = URI(url)

read = lambda do |**options|
  options = { use_ssl: uri.scheme == 'https', **options }
  Net::HTTP.start(uri.host, uri.port, **options) do |http|
    http.request(Net::HTTP::Get.new(uri, stream.headers)) do |response|
      response.read_body { |chunk| stream.feed(chunk) } if response.code == '200'
    end.code.to_i
  end
end

if alone
  read.call
  exit
end
loop do
  # it repeats a GET by itself, with the old id, unless it is told not to
  break if final?(read.call(max_retries: 0, open_timeout: 10, read_timeout: lost_after))

  sleep stream.wait
rescue SystemCallError, IOError, Timeout::Error, OpenSSL::SSL::SSLError, Net::ProtocolError => e
  puts "lost: #{e.inspect}"
  sleep stream.wait
end
