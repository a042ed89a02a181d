# Follows a stream with http.rb.

require 'http'
require_relative 'events'

alone, url, stream = arguments

read = lambda do |client|
  response = client.headers(stream.headers).get(url)
  response.body.each { |chunk| stream.feed(chunk) } if response.status == 200
  response.status.to_i
end

if alone
  read.call(HTTP)
  exit
end
loop do
  break if final?(read.call(HTTP.timeout(connect: 10, write: 10, read: lost_after))) # of each read; http.rb itself has none

  sleep stream.wait
rescue HTTP::Error, SystemCallError, IOError, OpenSSL::SSL::SSLError => e
  puts "lost: #{e.inspect}"
  sleep stream.wait
end
