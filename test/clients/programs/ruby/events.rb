# What a program needs to follow an event stream with a client that knows only HTTP. The programs beside this file are used as those
# of python/events.py.

require 'json'

# The events of a stream, and where it was left.
class Stream
  attr_reader :wait # s, until the client comes back

  def initialize(id)
    @last_id = id || ''
    @wait = 3.0
  end

  # Returns the headers of the next request. Half an event that a lost connection has left is forgotten.
  def headers
    @rest = ''.b
    @id = @last_id
    @type = ''
    @data = []
    headers = { 'Accept' => 'text/event-stream' }
    headers['Last-Event-ID'] = @id unless @id.empty?
    headers
  end

  # Takes bytes as they come, and prints the events that they complete.
  def feed(chunk)
    @rest << chunk.b
    while (line = @rest.slice!(/\A[^\n]*\n/n))
      take(line.force_encoding('UTF-8').chomp)
    end
  end

  private

  def take(line)
    field, value = line.split(/: ?/, 2)
    case field
    when nil
      @last_id = @id # not before, as the event may be cut off
      puts JSON.generate([@type.empty? ? 'message' : @type, @id, @data.join("\n")]) unless @data.empty?
      @type = ''
      @data = []
    when 'event' then @type = value
    when 'data' then @data << value
    when 'id' then @id = value
    when 'retry' then @wait = value.to_i / 1000.0
    end
  end
end

# Tells whether a status means that nothing will follow, or that the client is refused.
def final?(status) = status == 204 || (400..499).cover?(status)

# Returns how many seconds without a byte mean that the connection is lost. The bridge sends a comment every 15 s.
def lost_after = ENV.fetch('LOST_AFTER', '40000').to_i / 1000.0

# Returns whether the client is to be left alone, the URL, and the stream.
def arguments
  mode, url, id = ARGV
  $stdout.sync = true
  [mode == 'alone', url, Stream.new(id)]
end
