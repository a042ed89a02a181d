import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;

/** Follows a stream with HttpURLConnection. */
public final class WithURLConnection {
    public static void main(String[] args) throws Exception {
        Events events = new Events(args.length > 2 ? args[2] : "");
        if (args[0].equals("alone")) {
            read(args[1], events, 0);
            return;
        }
        while (true) {
            try {
                if (Events.isFinal(read(args[1], events, Events.lostAfter()))) {
                    return;
                }
            } catch (IOException e) {
                System.out.println("lost: " + e);
            }
            Thread.sleep(events.await);
        }
    }

    /** Returns the status, at the end of the answer. The timeout is of connecting and of each read, and 0 is none. */
    private static int read(String url, Events events, int timeout) throws IOException {
        var connection = (HttpURLConnection) new URL(url).openConnection();
        connection.setConnectTimeout(timeout);
        connection.setReadTimeout(timeout);
        events.headers().forEach(connection::setRequestProperty);
        if (connection.getResponseCode() == 200) {
            try (var lines = new BufferedReader(new InputStreamReader(connection.getInputStream(), StandardCharsets.UTF_8))) {
                lines.lines().forEach(events::line);
            } catch (java.io.UncheckedIOException e) {
                throw e.getCause();
            }
        }
        return connection.getResponseCode();
    }
}
