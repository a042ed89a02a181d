# Follows a stream with LWP::UserAgent.
use v5.36;
use FindBin;
use lib $FindBin::Bin;
use Events;
use LWP::UserAgent;
use Time::HiRes qw(sleep);

my ($alone, $url, $stream) = arguments();

sub read_stream (%options) {
    my $agent = LWP::UserAgent->new(%options);
    return $agent->get($url, $stream->headers->%*, ':content_cb' => sub ($chunk, @) { $stream->feed($chunk) });
}

if ($alone) {
    my $response = read_stream();
    # it is a success with these headers if the connection was lost
    die $response->header('X-Died') // $response->status_line, "\n" if $response->header('Client-Aborted') || $response->code >= 500;
    exit;
}
while (1) {
    my $response = read_stream(timeout => lost_after()); # of each read; LWP itself has 180 s
    last if is_final($response->code);
    lost($response->header('X-Died') // $response->status_line);
    sleep $stream->wait;
}
