import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What a program needs to follow an event stream with a client that knows only HTTP. The programs beside this file are used as those of python/events.py. */
final class Events {
    /** In ms, until the client comes back. */
    long await = 3000;

    private String lastId;
    private String id;
    private String type;
    private List<String> data;

    Events(String id) {
        lastId = id;
    }

    /** Returns the headers of the next request. Half an event that a lost connection has left is forgotten. */
    Map<String, String> headers() {
        id = lastId;
        type = "";
        data = new ArrayList<>();
        Map<String, String> headers = new TreeMap<>(Map.of("Accept", "text/event-stream"));
        if (!id.isEmpty()) {
            headers.put("Last-Event-ID", id);
        }
        return headers;
    }

    /** Takes a line, and prints the event that it completes. */
    void line(String line) {
        if (line.isEmpty()) {
            lastId = id; // not before, as the event may be cut off
            if (!data.isEmpty()) {
                System.out.printf("[%s,%s,%s]%n", quote(type.isEmpty() ? "message" : type), quote(id), quote(String.join("\n", data)));
            }
            type = "";
            data = new ArrayList<>();
            return;
        }
        String[] parts = line.split(":", 2);
        String value = parts.length < 2 ? "" : parts[1].startsWith(" ") ? parts[1].substring(1) : parts[1];
        switch (parts[0]) {
            case "event" -> type = value;
            case "data" -> data.add(value);
            case "id" -> id = value;
            case "retry" -> await = Long.parseLong(value);
            default -> { }
        }
    }

    private static String quote(String text) {
        StringBuilder json = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c < ' ' || c == '"' || c == '\\' || c > '~') {
                json.append(String.format("\\u%04x", (int) c));
            } else {
                json.append(c);
            }
        }
        return json.append('"').toString();
    }

    /** Tells whether a status means that nothing will follow, or that the client is refused. */
    static boolean isFinal(int status) {
        return status == 204 || status >= 400 && status < 500;
    }

    /** Returns how many ms without a byte mean that the connection is lost. The bridge sends a comment every 15 s. */
    static int lostAfter() {
        return Integer.parseInt(System.getenv().getOrDefault("LOST_AFTER", "40000"));
    }
}
