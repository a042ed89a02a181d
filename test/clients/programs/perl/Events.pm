# What a program needs to follow an event stream with a client that knows only HTTP. The programs beside this file are used as those
# of python/events.py.
package Events;

use v5.36;
use utf8;
use Encode   qw(decode);
use Exporter qw(import);
use JSON::PP  ();

our @EXPORT = qw(arguments lost_after is_final lost);

my $json = JSON::PP->new->utf8;

# arguments returns whether the client is to be left alone, the URL, and the stream.
sub arguments {
    my ($mode, $url, $id) = @ARGV;
    $| = 1;
    return ($mode eq 'alone', $url, bless { last_id => $id // '', wait => 3 }, __PACKAGE__);
}

# lost_after returns how many seconds without a byte mean that the connection is lost. The bridge sends a comment every 15 s.
sub lost_after { return ($ENV{LOST_AFTER} // 40_000) / 1000 }

# is_final tells whether a status means that nothing will follow, or that the client is refused.
sub is_final ($status) { return $status == 204 || ($status >= 400 && $status < 500) }

sub lost ($why) { say "lost: $why" }

sub wait ($self) { return $self->{wait} }

# headers returns the headers of the next request. Half an event that a lost connection has left is forgotten.
sub headers ($self) {
    @$self{qw(rest id type data)} = ('', $self->{last_id}, '', []);
    return { Accept => 'text/event-stream', $self->{id} ne '' ? ('Last-Event-ID' => $self->{id}) : () };
}

# feed takes bytes as they come, and prints the events that they complete.
sub feed ($self, $chunk) {
    $self->{rest} .= $chunk;
    while ($self->{rest} =~ s/\A([^\n]*)\n//) {
        $self->line(decode('UTF-8', $1 =~ s/\r\z//r));
    }
    return;
}

sub line ($self, $line) {
    if ($line eq '') {
        my $data = $self->{data};
        $self->{last_id} = $self->{id}; # not before, as the event may be cut off
        say $json->encode([$self->{type} || 'message', $self->{id}, join "\n", @$data]) if @$data;
        @$self{qw(type data)} = ('', []);
        return;
    }
    my ($field, $value) = split /: ?/, $line, 2;
    $value //= '';
    if    ($field eq 'event') { $self->{type} = $value }
    elsif ($field eq 'data')  { push @{ $self->{data} }, $value }
    elsif ($field eq 'id')    { $self->{id}   = $value }
    elsif ($field eq 'retry') { $self->{wait} = $value / 1000 }
    return;
}

1;
