// An OPC UA server of Eclipse Milo, without history, told by lines on standard input:
//   write NAME TYPE VALUE TIME_MS STATUS | add NAME TYPE VALUE TIME_MS | lose | sessions | stop
// Each is answered by a line. Arguments: FOLDER PORT ITEMS_PER_CALL SESSIONS SECURE FIRST_LINE...
// Where WITNESS names a file, it is told there what the server's own sampling saw, each value once:
//   TIME_MS NAME VALUE | TIME_MS NAME + (an item watches it) | TIME_MS NAME - (one does no more)
//   TIME_MS * begun

import java.io.BufferedReader;
import java.io.File;
import java.io.FileWriter;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.eclipse.milo.opcua.sdk.core.AccessLevel;
import org.eclipse.milo.opcua.sdk.server.OpcUaServer;
import org.eclipse.milo.opcua.sdk.server.Session;
import org.eclipse.milo.opcua.sdk.server.api.DataItem;
import org.eclipse.milo.opcua.sdk.server.api.ManagedNamespaceWithLifecycle;
import org.eclipse.milo.opcua.sdk.server.api.MonitoredItem;
import org.eclipse.milo.opcua.sdk.server.api.config.OpcUaServerConfig;
import org.eclipse.milo.opcua.sdk.server.api.config.OpcUaServerConfigLimits;
import org.eclipse.milo.opcua.sdk.server.identity.UsernameIdentityValidator;
import org.eclipse.milo.opcua.sdk.server.nodes.UaVariableNode;
import org.eclipse.milo.opcua.sdk.server.util.SubscriptionModel;
import org.eclipse.milo.opcua.stack.core.AttributeId;
import org.eclipse.milo.opcua.stack.core.Identifiers;
import org.eclipse.milo.opcua.stack.core.security.DefaultCertificateManager;
import org.eclipse.milo.opcua.stack.core.security.DefaultTrustListManager;
import org.eclipse.milo.opcua.stack.core.security.SecurityPolicy;
import org.eclipse.milo.opcua.stack.core.transport.TransportProfile;
import org.eclipse.milo.opcua.stack.core.types.builtin.DataValue;
import org.eclipse.milo.opcua.stack.core.types.builtin.DateTime;
import org.eclipse.milo.opcua.stack.core.types.builtin.LocalizedText;
import org.eclipse.milo.opcua.stack.core.types.builtin.NodeId;
import org.eclipse.milo.opcua.stack.core.types.builtin.StatusCode;
import org.eclipse.milo.opcua.stack.core.types.builtin.Variant;
import org.eclipse.milo.opcua.stack.core.types.builtin.unsigned.UInteger;
import org.eclipse.milo.opcua.stack.core.types.builtin.unsigned.Unsigned;
import org.eclipse.milo.opcua.stack.core.types.enumerated.MessageSecurityMode;
import org.eclipse.milo.opcua.stack.core.types.enumerated.TimestampsToReturn;
import org.eclipse.milo.opcua.stack.core.types.structured.ReadValueId;
import org.eclipse.milo.opcua.stack.core.util.SelfSignedCertificateBuilder;
import org.eclipse.milo.opcua.stack.core.util.SelfSignedCertificateGenerator;
import org.eclipse.milo.opcua.stack.server.EndpointConfiguration;
import org.eclipse.milo.opcua.stack.server.security.DefaultServerCertificateValidator;

public final class MiloServer {
    private static final class Plant extends ManagedNamespaceWithLifecycle {
        private final SubscriptionModel model;
        private final Map<String, UaVariableNode> nodes = new HashMap<>();
        private final Map<String, String> seen = new ConcurrentHashMap<>();
        private PrintWriter witness = null;

        Plant(OpcUaServer server) {
            super(server, "urn:nhipmay:test");
            model = new SubscriptionModel(server, this);
            getLifecycleManager().addLifecycle(model);
        }

        void add(String name, String type) {
            UaVariableNode node = new UaVariableNode.UaVariableNodeBuilder(getNodeContext())
                .setNodeId(newNodeId(name))
                .setAccessLevel(AccessLevel.READ_ONLY)
                .setUserAccessLevel(AccessLevel.READ_ONLY)
                .setBrowseName(newQualifiedName(name))
                .setDisplayName(LocalizedText.english(name))
                .setDataType(type.equals("Double") ? Identifiers.Double
                    : type.equals("Int32") ? Identifiers.Int32 : Identifiers.String)
                .setTypeDefinition(Identifiers.BaseDataVariableType)
                .build();
            getNodeManager().addNode(node);
            node.addReference(new org.eclipse.milo.opcua.sdk.core.Reference(
                node.getNodeId(), Identifiers.Organizes, Identifiers.ObjectsFolder.expanded(),
                org.eclipse.milo.opcua.sdk.core.Reference.Direction.INVERSE));
            nodes.put(name, node);
        }

        void write(String[] what) {
            Object value = what[2].equals("Double") ? (Object) Double.valueOf(what[3])
                : what[2].equals("Int32") ? (Object) Integer.valueOf(what[3]) : what[3];
            StatusCode status = new StatusCode(what.length > 5 ? Long.parseLong(what[5]) : 0);
            DateTime time = what[4].equals("-") ? null
                : new DateTime(new java.util.Date(Long.parseLong(what[4])));
            nodes.get(what[1]).setValue(new DataValue(new Variant(value), status, time, DateTime.now()));
        }

        void tell(String name, String what) {
            if (witness != null) witness.println(System.currentTimeMillis() + "\t" + name + "\t" + what);
        }

        void tell(List<DataItem> items, String what) {
            for (DataItem item : items) {
                tell(String.valueOf(item.getReadValueId().getNodeId().getIdentifier()), what);
            }
        }

        // The subscription model samples by reading the namespace.
        @Override public void read(ReadContext context, Double age, TimestampsToReturn times, List<ReadValueId> ids) {
            if (witness != null) {
                context.getFuture().thenAccept(values -> {
                    for (int k = 0; k < ids.size(); k++) {
                        if (!AttributeId.Value.isEqual(ids.get(k).getAttributeId())) continue;
                        String name = String.valueOf(ids.get(k).getNodeId().getIdentifier());
                        String value = String.valueOf(values.get(k).getValue().getValue());
                        if (!value.equals(seen.put(name, value))) tell(name, value);
                    }
                });
            }
            super.read(context, age, times, ids);
        }

        @Override public void onDataItemsCreated(List<DataItem> items) {
            tell(items, "+");
            model.onDataItemsCreated(items);
        }
        @Override public void onDataItemsModified(List<DataItem> items) { model.onDataItemsModified(items); }
        @Override public void onDataItemsDeleted(List<DataItem> items) {
            tell(items, "-");
            model.onDataItemsDeleted(items);
        }
        @Override public void onMonitoringModeChanged(List<MonitoredItem> items) {
            model.onMonitoringModeChanged(items);
        }
    }

    public static void main(String[] given) throws Exception {
        // Aes256_Sha256_RsaPss is signed by what Java itself calls otherwise.
        java.security.Security.addProvider(new org.bouncycastle.jce.provider.BouncyCastleProvider());
        File folder = new File(given[0]);
        int port = Integer.parseInt(given[1]);
        UInteger items = Unsigned.uint(Integer.parseInt(given[2]));
        UInteger sessions = Unsigned.uint(Integer.parseInt(given[3]));
        boolean secure = given[4].equals("secure");
        KeyPair keys = SelfSignedCertificateGenerator.generateRsaKeyPair(2048);
        X509Certificate certificate = new SelfSignedCertificateBuilder(keys)
            .setOrganization("Nhip May").setOrganizationalUnit("tests").setLocalityName("Bien Hoa")
            .setStateName("Dong Nai").setCountryCode("VN")
            .setCommonName("Milo of the tests").setApplicationUri("urn:nhipmay:milo")
            .addIpAddress("127.0.0.1").build();
        Set<EndpointConfiguration> endpoints = new LinkedHashSet<>();
        EndpointConfiguration.Builder open = EndpointConfiguration.newBuilder()
            .setBindAddress("127.0.0.1").setHostname("127.0.0.1").setBindPort(port)
            .setCertificate(certificate).setTransportProfile(TransportProfile.TCP_UASC_UABINARY)
            .addTokenPolicies(OpcUaServerConfig.USER_TOKEN_POLICY_ANONYMOUS,
                OpcUaServerConfig.USER_TOKEN_POLICY_USERNAME);
        if (secure) {
            for (SecurityPolicy policy : List.of(SecurityPolicy.Basic256Sha256,
                    SecurityPolicy.Aes128_Sha256_RsaOaep, SecurityPolicy.Aes256_Sha256_RsaPss)) {
                for (MessageSecurityMode mode : List.of(MessageSecurityMode.Sign,
                        MessageSecurityMode.SignAndEncrypt)) {
                    endpoints.add(open.copy().setSecurityPolicy(policy).setSecurityMode(mode).build());
                }
            }
        } else {
            endpoints.add(open.copy().setSecurityPolicy(SecurityPolicy.None)
                .setSecurityMode(MessageSecurityMode.None).build());
        }
        endpoints.add(open.copy().setPath("/discovery").setSecurityPolicy(SecurityPolicy.None)
            .setSecurityMode(MessageSecurityMode.None).build());
        // Before the manager is there: what comes later it sees some time.
        File trusted = new File(folder, "trusted/certs");
        trusted.mkdirs();
        for (String file : System.getenv().getOrDefault("TRUSTED", "").split(":")) {
            if (!file.isEmpty()) {
                Files.copy(new File(file).toPath(), new File(trusted, new File(file).getName()).toPath(),
                    java.nio.file.StandardCopyOption.REPLACE_EXISTING);
            }
        }
        DefaultTrustListManager trust = new DefaultTrustListManager(folder);
        OpcUaServerConfig config = OpcUaServerConfig.builder()
            .setApplicationUri("urn:nhipmay:milo").setProductUri("urn:nhipmay:milo")
            .setApplicationName(LocalizedText.english("Milo of the tests"))
            .setEndpoints(endpoints)
            .setCertificateManager(new DefaultCertificateManager(keys, certificate))
            .setTrustListManager(trust)
            .setCertificateValidator(new DefaultServerCertificateValidator(trust))
            .setIdentityValidator(new UsernameIdentityValidator(!secure,
                challenge -> challenge.getUsername().equals("edge")
                    && challenge.getPassword().equals("mat-khau")))
            .setLimits(new OpcUaServerConfigLimits() {
                @Override public UInteger getMaxMonitoredItemsPerCall() { return items; }
                @Override public UInteger getMaxNodesPerRead() { return items; }
                @Override public UInteger getMaxSessionCount() { return sessions; }
            })
            .build();
        OpcUaServer server = new OpcUaServer(config);
        Plant plant = new Plant(server);
        if (System.getenv("WITNESS") != null) {
            plant.witness = new PrintWriter(new FileWriter(System.getenv("WITNESS"), true), true);
            plant.tell("*", "begun");
        }
        plant.startup();
        for (int first = 5; first < given.length; first++) act(server, plant, given[first]);
        server.startup().get();
        System.out.println("ready " + plant.getNamespaceIndex());
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            System.out.println(act(server, plant, line));
        }
        server.shutdown().get();
        System.exit(0);
    }

    private static String act(OpcUaServer server, Plant plant, String line) {
        String[] what = line.split("\t");
        switch (what[0]) {
            case "add":
                plant.add(what[1], what[2]);
                plant.write(what);
                return "ok";
            case "many":
                for (int k = 0; k < Integer.parseInt(what[1]); k++) {
                    plant.add("v" + k, "Double");
                    plant.write(new String[] {"", "v" + k, "Double", "0", what[2]});
                }
                return "ok";
            case "write":
                plant.write(what);
                return "ok";
            case "sessions":
                return String.valueOf(server.getSessionManager().getAllSessions().size());
            case "lose":
                int lost = 0;
                for (Session session : server.getSessionManager().getAllSessions()) {
                    for (var one : List.copyOf(session.getSubscriptionManager().getSubscriptions())) {
                        one.deleteSubscription();
                        lost++;
                    }
                }
                return String.valueOf(lost);
            default:
                return "unknown";
        }
    }
}
