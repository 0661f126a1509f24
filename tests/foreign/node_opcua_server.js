// An OPC UA server of node-opcua, told by lines of JSON on standard input, one answer per line.
//
// argv[2] is JSON: { port, folder, trusting, policies, modes, users, userCertificates, sessions,
//   limits, namespaces, variables, written }.
"use strict";
const fs = require("fs");
const path = require("path");
const readline = require("readline");
const { OPCUAServer } = require("node-opcua-server");
const { SecurityPolicy, MessageSecurityMode } = require("node-opcua-secure-channel");
const { nodesets } = require("node-opcua-nodesets");
const { OPCUACertificateManager } = require("node-opcua-certificate-manager");
const { Variant, DataType, VariantArrayType } = require("node-opcua-variant");
const { StatusCodes } = require("node-opcua-status-code");
const { DataValue } = require("node-opcua-data-value");
const { coerceLocalizedText, coerceQualifiedName } = require("node-opcua-data-model");
const { resolveNodeId } = require("node-opcua-nodeid");
const { ensureDatatypeExtracted } = require("node-opcua-address-space");

const given = JSON.parse(process.argv[2]);
const nodes = {};
let space;
let own;
let server;

// A value of JSON as a variant: {type, value} with types of node-opcua; lists are arrays.
function variant(type, value) {
    if (value === null || value === undefined) return new Variant({ dataType: DataType.Null });
    const one = (x) => {
        switch (type) {
            case "LocalizedText": return coerceLocalizedText(x);
            case "QualifiedName": return coerceQualifiedName(x);
            case "ByteString": return Buffer.from(x, "base64");
            case "NodeId": return resolveNodeId(x);
            case "StatusCode": return StatusCodes[x];
            case "DateTime": return new Date(x);
            case "Int64": case "UInt64": return wide(x);
            default: return x;
        }
    };
    if (Array.isArray(value) && type !== "Int64" && type !== "UInt64") {
        return new Variant({
            dataType: DataType[type], arrayType: VariantArrayType.Array, value: value.map(one),
        });
    }
    return new Variant({
        dataType: DataType[type], arrayType: VariantArrayType.Scalar, value: one(value),
    });
}

function wide(text) {
    const bits = BigInt.asUintN(64, BigInt(text));
    return [Number(bits >> 32n), Number(bits & 0xffffffffn)];
}

// History is what was written, also while no client was there and also of one moment.
class Historian {
    constructor() { this.values = []; }
    async push() {}
    extractDataValues(details, most, reversed, reverse, callback) {
        const from = details.startTime ? details.startTime.getTime() : -Infinity;
        const to = details.endTime ? details.endTime.getTime() : Infinity;
        const found = this.values.filter((one) => {
            const time = one.sourceTimestamp.getTime();
            return from <= time && time <= to;
        });
        callback(null, most ? found.slice(0, most) : found);
    }
}
const historians = {};

function dataValue(what) {
    return new DataValue({
        value: what.extension || variant(what.type, what.value),
        statusCode: StatusCodes[what.status || "Good"],
        sourceTimestamp: what.time === undefined ? null : new Date(what.time),
        serverTimestamp: new Date(),
    });
}

function add(what) {
    if (what.structure) return addStructure(what);
    if (what.enumeration) return addEnumeration(what);
    const node = own.addVariable({
        organizedBy: what.folder ? folder(what.folder) : space.rootFolder.objects,
        browseName: what.name,
        nodeId: `s=${what.name}`,
        dataType: what.type,
        valueRank: Array.isArray(what.value) && what.type !== "Int64" ? 1 : -1,
        description: what.description,
        minimumSamplingInterval: what.sampling || 0,
    });
    nodes[what.name] = node;
    if (what.unit) {
        own.addVariable({
            propertyOf: node, browseName: { name: "EngineeringUnits", namespaceIndex: 0 },
            dataType: "EUInformation",
            value: { dataType: DataType.ExtensionObject, value: euInformation(what.unit) },
        });
    }
    if (what.history !== false) {
        historians[what.name] = new Historian();
        space.installHistoricalDataNode(node, { historian: historians[what.name] });
    }
    write(what);
    return node;
}

function euInformation(unit) {
    const { EUInformation } = require("node-opcua-types");
    return new EUInformation({
        namespaceUri: "http://www.opcfoundation.org/UA/units/un/cefact",
        unitId: 4408652, displayName: coerceLocalizedText(unit), description: coerceLocalizedText(unit),
    });
}

const folders = {};
function folder(name) {
    folders[name] ||= own.addFolder(space.rootFolder.objects, { browseName: name });
    return folders[name];
}

function addEnumeration(what) {
    const type = own.addEnumerationType({ browseName: `${what.name}Type`, enumeration: what.enumeration });
    const node = own.addVariable({
        organizedBy: space.rootFolder.objects, browseName: what.name, nodeId: `s=${what.name}`,
        dataType: type.nodeId,
    });
    nodes[what.name] = node;
    write({ ...what, type: "Int32" });
}

async function addStructure(what) {
    const type = own.createDataType({
        browseName: `${what.name}Type`, isAbstract: false, subtypeOf: space.findDataType("Structure"),
        partialDefinition: Object.entries(what.structure).map(([name, dataType]) => ({
            name, dataType: resolveNodeId(`i=${DataType[dataType]}`), valueRank: -1, description: "",
        })),
    });
    own.addObject({
        browseName: { name: "Default Binary", namespaceIndex: 0 }, encodingOf: type,
        typeDefinition: "DataTypeEncodingType",
    });
    await ensureDatatypeExtracted(space);
    structures[what.name] = type;
    nodes[what.name] = own.addVariable({
        organizedBy: space.rootFolder.objects, browseName: what.name, nodeId: `s=${what.name}`,
        dataType: type,
    });
    write(what);
}
const structures = {};

function write(what) {
    const node = nodes[what.name];
    if (structures[what.name]) {
        const object = space.constructExtensionObject(structures[what.name], what.value);
        what = { ...what, extension: new Variant({ dataType: DataType.ExtensionObject, value: object }) };
    } else if (what.type === undefined) {
        what = { ...what, type: types[what.name] };
    }
    if (what.type) types[what.name] = what.type;
    const value = dataValue(what);
    if (historians[what.name] && value.sourceTimestamp) historians[what.name].values.push(value);
    if (!what.unseen) node._internal_set_dataValue(value);
}
const types = {};

const commands = {
    write: (what) => { for (const one of what.values || [what]) write(one); },
    add,
    sessions: () => server.engine.currentSessionCount,
    subscriptions: () => server.engine.currentSubscriptionCount,
    // What a server does that runs out of memory, or that was set up anew under its clients.
    loseSubscriptions: () => {
        let lost = 0;
        for (const channel of Object.values(server.engine._sessions || {})) {
            const ids = channel.publishEngine.subscriptions.map((one) => one.id);
            for (const id of ids) { channel.deleteSubscription(id); lost += 1; }
        }
        return lost;
    },
    logins: () => logins,
    // How many requests for history came since its start, and how many nodes they asked for.
    histories: () => histories,
    historyNodes: () => historyNodes,
    stop: async () => { await server.shutdown(0); setTimeout(() => process.exit(0), 10); },
};
let logins = 0;
let histories = 0;
let historyNodes = 0;

async function main() {
    const certificates = new OPCUACertificateManager({
        rootFolder: path.join(given.folder, "pki"),
        automaticallyAcceptUnknownCertificate: given.trusting !== false,
    });
    const users = new OPCUACertificateManager({
        rootFolder: path.join(given.folder, "users"),
        automaticallyAcceptUnknownCertificate: given.userCertificates === true,
    });
    await certificates.initialize();
    await users.initialize();
    for (const file of given.trusted || []) {
        fs.copyFileSync(file, path.join(given.folder, "pki", "trusted", "certs", path.basename(file)));
    }
    server = new OPCUAServer({
        port: given.port,
        host: "127.0.0.1",
        hostname: "127.0.0.1",
        nodeset_filename: [nodesets.standard],
        serverCertificateManager: certificates,
        userCertificateManager: users,
        securityPolicies: (given.policies || ["None"]).map((name) => SecurityPolicy[name]),
        securityModes: (given.modes || ["None"]).map((name) => MessageSecurityMode[name]),
        allowAnonymous: !given.users,
        userManager: {
            isValidUser: (user, password) => {
                logins += 1;
                return (given.users || {})[user] === password;
            },
            getUserRoles: () => "",
        },
        maxConnectionsPerEndpoint: 50,
        serverCapabilities: {
            maxSessions: given.sessions || 20,
            operationLimits: given.limits || {},
        },
    });
    server.on("request", (request) => {
        if (request.schema.name !== "HistoryReadRequest") return;
        histories += 1;
        historyNodes += request.nodesToRead.length;
    });
    await server.initialize();
    space = server.engine.addressSpace;
    for (const uri of given.namespaces || []) space.registerNamespace(uri);
    own = space.registerNamespace("urn:nhipmay:test");
    for (const what of given.variables || []) await add(what);
    if (given.written) for (const one of JSON.parse(fs.readFileSync(given.written))) write(one);
    await server.start();
    console.log(JSON.stringify({ ready: own.index }));
    for await (const line of readline.createInterface({ input: process.stdin })) {
        const what = JSON.parse(line);
        try {
            const answer = await commands[what.do](what);
            console.log(JSON.stringify({ answer: typeof answer === "object" ? null : answer ?? null }));
        } catch (error) {
            console.log(JSON.stringify({ error: String(error.stack || error) }));
        }
    }
}

main().catch((error) => { console.error(error); process.exit(1); });
