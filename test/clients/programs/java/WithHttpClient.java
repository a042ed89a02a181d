import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/** Follows a stream with java.net.http, over HTTP/2 if the server has it. */
public final class WithHttpClient {
    public static void main(String[] args) throws Exception {
        Events events = new Events(args.length > 2 ? args[2] : "");
        if (args[0].equals("alone")) {
            HttpClient.newHttpClient().send(request(args[1], events).build(), BodyHandlers.ofLines()).body().forEach(events::line);
            return;
        }
        HttpClient client = newClient();
        // the timeout of a request ends with the headers of its answer, and there is none for the rest
        ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
        while (true) {
            try {
                var response = client.send(request(args[1], events).timeout(Duration.ofMillis(Events.lostAfter())).build(), BodyHandlers.ofInputStream());
                if (Events.isFinal(response.statusCode())) {
                    break;
                }
                InputStream body = response.body();
                var lines = new BufferedReader(new InputStreamReader(body, StandardCharsets.UTF_8));
                ScheduledFuture<?> lost = lostLater(timer, body);
                for (String line; (line = lines.readLine()) != null; ) {
                    lost.cancel(false);
                    lost = lostLater(timer, body);
                    events.line(line);
                }
                lost.cancel(false);
            } catch (IOException | UncheckedIOException e) {
                System.out.println("lost: " + e);
                client = newClient(); // the other one would ask over the same connection again, if it speaks HTTP/2
            }
            Thread.sleep(events.await);
        }
        System.exit(0);
    }

    private static HttpClient newClient() {
        return HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(30)).build();
    }

    private static HttpRequest.Builder request(String url, Events events) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url));
        events.headers().forEach(request::header);
        return request;
    }

    private static ScheduledFuture<?> lostLater(ScheduledExecutorService timer, InputStream body) {
        return timer.schedule(() -> {
            body.close();
            return null;
        }, Events.lostAfter(), TimeUnit.MILLISECONDS);
    }
}
