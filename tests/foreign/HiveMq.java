import com.hivemq.embedded.EmbeddedHiveMQ;
import java.nio.file.Files;
import java.nio.file.Path;

/** A HiveMQ on a loopback port; prints `ready` once it listens. Arguments: folder, port. */
public class HiveMq {
    private static final String CONFIG =
            "<?xml version=\"1.0\"?><hivemq><listeners><tcp-listener><port>%s</port>"
                    + "<bind-address>127.0.0.1</bind-address></tcp-listener></listeners>"
                    + "<anonymous-usage-statistics><enabled>false</enabled>"
                    + "</anonymous-usage-statistics></hivemq>";

    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        for (String name : new String[] {"conf", "data", "extensions", "log"}) {
            Files.createDirectories(folder.resolve(name));
        }
        Files.writeString(
                folder.resolve("conf/config.xml"), String.format(CONFIG, arguments[1]));
        System.setProperty("hivemq.log.folder", folder.resolve("log").toString());
        EmbeddedHiveMQ broker =
                EmbeddedHiveMQ.builder()
                        .withConfigurationFolder(folder.resolve("conf"))
                        .withDataFolder(folder.resolve("data"))
                        .withExtensionsFolder(folder.resolve("extensions"))
                        .build();
        broker.start().join();
        System.out.println("ready");
        Thread.currentThread().join();
    }
}
