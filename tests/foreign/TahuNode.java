// An edge node by Eclipse Tahu: births, then what lines of standard input tell it.
//
// Runs in the stack `tahu` of `setup/foreign`: program PORT [compress]. A line is a number (the device's
// temperature), `burst N`, `udt N` (the speed of a template's member), `swap` (aliases dealt
// anew, births of the same session), or `die`.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import org.eclipse.paho.client.mqttv3.IMqttDeliveryToken;
import org.eclipse.paho.client.mqttv3.MqttCallback;
import org.eclipse.paho.client.mqttv3.MqttClient;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.eclipse.paho.client.mqttv3.MqttMessage;
import org.eclipse.paho.client.mqttv3.persist.MemoryPersistence;
import org.eclipse.tahu.message.SparkplugBPayloadEncoder;
import org.eclipse.tahu.message.model.Metric;
import org.eclipse.tahu.message.model.MetricDataType;
import org.eclipse.tahu.message.model.SparkplugBPayload;
import org.eclipse.tahu.message.model.Template;
import org.eclipse.tahu.util.CompressionAlgorithm;
import org.eclipse.tahu.util.PayloadUtil;

public class TahuNode implements MqttCallback {
  private static final String NODE = "spBv1.0/Foreign/%s/tahu";

  private final CompressionAlgorithm compression;
  private final MqttClient client;
  private double temperature = 20.0;
  private int seq = 0;
  private boolean swapped = false;

  public static void main(String[] arguments) throws Exception {
    ((ch.qos.logback.classic.Logger) org.slf4j.LoggerFactory.getLogger("ROOT"))
        .setLevel(ch.qos.logback.classic.Level.OFF);
    TahuNode node = new TahuNode(arguments);
    var lines =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      node.obey(line.trim());
    }
  }

  TahuNode(String[] arguments) throws Exception {
    compression = arguments.length > 1 ? CompressionAlgorithm.valueOf(arguments[1]) : null;
    client =
        new MqttClient(
            "tcp://127.0.0.1:" + arguments[0], "foreign-tahu", new MemoryPersistence());
    MqttConnectOptions options = new MqttConnectOptions();
    options.setCleanSession(true);
    options.setKeepAliveInterval(5);
    options.setMaxInflight(1_000);
    List<Metric> number = List.of(metric("bdSeq", null, MetricDataType.Int64, 0L));
    SparkplugBPayload death = new SparkplugBPayload(new Date(), number);
    options.setWill(topic("NDEATH"), encoded(death), 1, false);
    client.setCallback(this);
    client.connect(options);
    client.subscribe("spBv1.0/Foreign/NCMD/tahu", 1);
    births();
  }

  private void obey(String line) throws Exception {
    String[] words = line.split(" ");
    switch (words[0]) {
      case "die" -> Runtime.getRuntime().halt(1);
      case "swap" -> {
        swapped = !swapped;
        births();
      }
      case "udt" -> data(metric("motor", 7L, MetricDataType.Template, motor(Integer.parseInt(words[1]))));
      case "burst" -> {
        for (int k = 1; k <= Integer.parseInt(words[1]); k++) {
          if (k % 10 == 0) say("NDATA", "", metric(null, 8L, MetricDataType.Float, (float) k));
          else data(metric(null, count(), MetricDataType.Int32, k));
        }
      }
      default -> {
        temperature = Double.parseDouble(words[0]);
        data(metric(null, heat(), MetricDataType.Double, temperature));
      }
    }
  }

  private long heat() {
    return swapped ? 2 : 1;
  }

  private long count() {
    return swapped ? 1 : 2;
  }

  private synchronized void births() throws Exception {
    seq = 0;
    say(
        "NBIRTH",
        "",
        metric("bdSeq", null, MetricDataType.Int64, 0L),
        metric("Node Control/Rebirth", null, MetricDataType.Boolean, false),
        metric("voltage", 8L, MetricDataType.Float, 12.5f));
    say(
        "DBIRTH",
        "/CNC 1",
        metric("temperature", heat(), MetricDataType.Double, temperature),
        metric("count", count(), MetricDataType.Int32, -5),
        metric("small", 3L, MetricDataType.Int8, (byte) -1),
        metric("note", 5L, MetricDataType.String, "bắt đầu"),
        metric("since", 6L, MetricDataType.DateTime, new Date(-14_182_940_000L)),
        metric("motor", 7L, MetricDataType.Template, motor(1450)));
  }

  private Template motor(int speed) throws Exception {
    List<Metric> members = new ArrayList<>();
    members.add(metric("speed", null, MetricDataType.Int32, speed));
    return new Template("1", "Motor", false, members, new ArrayList<>());
  }

  private void data(Metric metric) throws Exception {
    say("DDATA", "/CNC 1", metric);
  }

  private synchronized void say(String kind, String device, Metric... metrics) throws Exception {
    SparkplugBPayload payload =
        new SparkplugBPayload(new Date(), List.of(metrics), (long) seq);
    seq = (seq + 1) % 256;
    if (compression != null) {
      payload = PayloadUtil.compress(payload, compression, false);
    }
    client.publish(topic(kind) + device, encoded(payload), 0, false);
  }

  private static Metric metric(String name, Long alias, MetricDataType type, Object value)
      throws Exception {
    Metric.MetricBuilder builder = new Metric.MetricBuilder(name, type, value);
    if (alias != null) {
      builder.alias(alias);
    }
    return builder.timestamp(new Date()).createMetric();
  }

  private static byte[] encoded(SparkplugBPayload payload) throws Exception {
    return new SparkplugBPayloadEncoder().getBytes(payload, false);
  }

  private static String topic(String kind) {
    return String.format(NODE, kind);
  }

  @Override
  public void messageArrived(String topic, MqttMessage message) {
    // The only command that this host sends; a callback may not wait for its own publications.
    new Thread(
            () -> {
              try {
                births();
              } catch (Exception exc) {
                Runtime.getRuntime().halt(2);
              }
            })
        .start();
  }

  @Override
  public void connectionLost(Throwable cause) {}

  @Override
  public void deliveryComplete(IMqttDeliveryToken token) {}
}
