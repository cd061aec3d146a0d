import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Scanner;

/** The JDK's HttpClient, which offers h2c by default: each line read, `token body`, is sent to URL; its answer is a line. */
class Client {
    public static void main(String[] arguments) throws Exception {
        var graphe = URI.create(System.getenv("URL"));
        var client = HttpClient.newHttpClient();
        for (var lines = new Scanner(System.in, "UTF-8"); lines.hasNextLine();) {
            var line = lines.nextLine().split(" ", 2);
            String jeton = line[0], corps = line[1];
            var demande = HttpRequest.newBuilder(graphe)
                .header("Content-Type", "application/json")
                .header("Authorization", "Bearer " + jeton)
                .POST(BodyPublishers.ofString(corps))
                .build();
            System.out.println(client.send(demande, BodyHandlers.ofString()).body());
        }
    }
}
