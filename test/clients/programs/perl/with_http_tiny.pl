# Follows a stream with HTTP::Tiny, which is a part of Perl.
use v5.36;
use FindBin;
use lib $FindBin::Bin;
use Events;
use HTTP::Tiny;
use Time::HiRes qw(sleep);

my ($alone, $url, $stream) = arguments();

sub read_stream (%options) {
    my $agent = HTTP::Tiny->new(verify_SSL => 1, %options);
    my $first;
    my $feed = sub ($chunk, $response) {
        # it repeats a GET by itself, with the old id
        die "lost\n" if !$alone && $response != ($first //= $response);
        $stream->feed($chunk);
    };
    return $agent->get($url, { headers => $stream->headers, data_callback => $feed });
}

if ($alone) {
    my $response = read_stream();
    die $response->{content} if $response->{status} == 599; # of its own
    exit;
}
while (1) {
    my $response = read_stream(timeout => lost_after()); # of each read; HTTP::Tiny itself has 60 s
    last if is_final($response->{status});
    lost($response->{content}) if $response->{status} == 599;
    sleep $stream->wait;
}
