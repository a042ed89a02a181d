# Follows a stream with Mojo::UserAgent.
use v5.36;
use FindBin;
use lib $FindBin::Bin;
use Events;
use Mojo::UserAgent;
use Time::HiRes qw(sleep);

my ($alone, $url, $stream) = arguments();

# read_stream returns the status, or what is wrong with the connection.
sub read_stream ($agent) {
    my $tx = $agent->build_tx(GET => $url, $stream->headers);
    $tx->res->content->unsubscribe('read')->on(read => sub ($content, $chunk) { $stream->feed($chunk) });
    $tx = $agent->start($tx);
    my $error = $tx->error;
    return $error && !$error->{code} ? (undef, $error->{message}) : ($tx->res->code, undef);
}

if ($alone) {
    my ($status, $error) = read_stream(Mojo::UserAgent->new);
    die "$error\n" if $error;
    exit;
}
while (1) {
    # of silence, also while it connects; Mojolicious itself has 40 s
    my ($status, $error) = read_stream(Mojo::UserAgent->new(inactivity_timeout => lost_after()));
    last if $status && is_final($status);
    lost($error) if $error;
    sleep $stream->wait;
}
