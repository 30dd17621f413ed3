// Records what the Java SDK writes. The jars of io.cloudevents:{cloudevents-http-basic,cloudevents-json-jackson,
// cloudevents-kafka}:4.0.1 and kafka-clients and what they need in lib/: java -cp 'lib/*' Java.java > java.json
import io.cloudevents.CloudEvent;
import io.cloudevents.core.builder.CloudEventBuilder;
import io.cloudevents.core.message.MessageWriter;
import io.cloudevents.http.HttpMessageFactory;
import io.cloudevents.jackson.JsonFormat;
import io.cloudevents.kafka.KafkaMessageFactory;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.apache.kafka.clients.producer.ProducerRecord;

public class Java {
    static final List<String> MESSAGES = new ArrayList<>();

    static String purchase(String order) {
        return """
            {"order_id":"%s","channel":"web","total":{"amount":1299.0,"currency":"EUR"},\
            "items":[{"sku":"x","quantity":1,"unit_price":{"amount":1299,"currency":"EUR"}}],"note":"Grüße ☃"}"""
            .formatted(order);
    }

    static CloudEvent told(String name, String kind) {
        byte[] data = purchase(name).getBytes(StandardCharsets.UTF_8);
        CloudEventBuilder event = CloudEventBuilder.v1()
            .withId(name)
            .withSource(URI.create("/sdk/java"))
            .withType("rapport.purchase.made.v1")
            .withSubject("java-" + name)
            .withTime(OffsetDateTime.parse("2025-12-31T23:59:59.999999999Z"))
            // This SDK leaves a header as it is, and HTTP clients take ASCII alone, or write Latin-1.
            .withExtension("region", name.startsWith("http-binary") ? "Nord \"1\" 100% of it" : "Köln \"Nord\" 100% ☃")
            .withExtension("sequence", 7)
            .withExtension("sampled", true);
        return switch (kind) {
            case "plain" -> event.withData("application/json", data).build();
            case "typed" -> event.withData("Application/JSON; charset=UTF-8", data).build();
            case "bytes" -> event.withData(data).build();
            default -> event.withType("rapport.customer.erased.v1").build();
        };
    }

    static String base64(byte[] bytes) {
        return bytes == null ? "null" : '"' + Base64.getEncoder().encodeToString(bytes) + '"';
    }

    static String header(String name, byte[] value) {
        return "[\"" + name + "\", " + base64(value) + "]";
    }

    static void record(String transport, String mode, String name, List<String> headers, byte[] body) {
        MESSAGES.add("""
             {"transport": "%s", "mode": "%s", "name": "%s",
              "headers": [%s],
              "body": %s}""".formatted(transport, mode, name, String.join(", ", headers), base64(body)));
    }

    static <R> R write(MessageWriter<?, R> writer, String mode, CloudEvent event) {
        return mode.equals("binary") ? writer.writeBinary(event) : writer.writeStructured(event, new JsonFormat());
    }

    public static void main(String[] arguments) {
        for (String kind : List.of("plain", "typed", "bytes", "nothing")) {
            for (String mode : List.of("structured", "binary")) {
                String name = "http-" + mode + "-" + kind;
                List<String> headers = new ArrayList<>();
                byte[][] body = {null};
                write(HttpMessageFactory.createWriter(
                    (k, v) -> headers.add(header(k, v.getBytes(StandardCharsets.UTF_8))), b -> body[0] = b),
                    mode, told(name, kind));
                record("http", mode, name, headers, body[0] == null ? new byte[0] : body[0]);

                String onKafka = "kafka-" + mode + "-" + kind;
                ProducerRecord<String, byte[]> sent = write(
                    KafkaMessageFactory.createWriter("purchases", "java-" + onKafka), mode, told(onKafka, kind));
                List<String> kept = new ArrayList<>();
                sent.headers().forEach(h -> kept.add(header(h.key(), h.value())));
                record("kafka", mode, onKafka, kept, sent.value());
            }
        }
        System.out.println("{\"sdk\": \"io.cloudevents 4.0.1 (Maven)\", \"messages\": [\n"
            + String.join(",\n", MESSAGES) + "\n]}");
    }
}
