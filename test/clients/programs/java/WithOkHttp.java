import java.io.IOException;
import java.util.concurrent.TimeUnit;
import okhttp3.ConnectionPool;
import okhttp3.Headers;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;

/** Follows a stream with OkHttp, over HTTP/2 if the server has it. */
public final class WithOkHttp {
    public static void main(String[] args) throws Exception {
        Events events = new Events(args.length > 2 ? args[2] : "");
        OkHttpClient client = new OkHttpClient();
        if (args[0].equals("alone")) {
            try {
                read(client, args[1], events);
                System.exit(0);
            } finally {
                System.exit(1); // its threads would go on
            }
        }
        // of each read; OkHttp itself has 10 s
        client = client.newBuilder().readTimeout(Events.lostAfter(), TimeUnit.MILLISECONDS).build();
        while (true) {
            try {
                if (Events.isFinal(read(client, args[1], events))) {
                    System.exit(0);
                }
            } catch (IOException e) {
                System.out.println("lost: " + e);
                // the other connections may be lost too, and one over HTTP/2 would be asked again
                client = client.newBuilder().connectionPool(new ConnectionPool()).build();
            }
            Thread.sleep(events.await);
        }
    }

    /** Returns the status, at the end of the answer. */
    private static int read(OkHttpClient client, String url, Events events) throws IOException {
        Request request = new Request.Builder().url(url).headers(Headers.of(events.headers())).build();
        try (Response response = client.newCall(request).execute()) {
            while (response.code() == 200 && !response.body().source().exhausted()) {
                events.line(response.body().source().readUtf8LineStrict());
            }
            return response.code();
        }
    }
}
