// An edge node by sparkplug-client: births, then what lines of standard input tell it.
//
// Runs in the stack `sparkplug-client` of `setup/foreign`: program PORT [compress]. A line is a number
// (the device's temperature), `burst N`, `udt N` (the speed of a template's member), `rebirth`,
// or `die`.

"use strict";

const sparkplug = require("sparkplug-client");

const [port, compress] = process.argv.slice(2);
const options = compress ? { compress: true, algorithm: compress } : undefined;
const node = sparkplug.newClient({
  serverUrl: `mqtt://127.0.0.1:${port}`,
  username: "",
  password: "",
  groupId: "Foreign",
  edgeNode: "sparkplug-client",
  clientId: "foreign-sparkplug-client",
  version: "spBv1.0",
  keepalive: 5,
});
let temperature = 20.0;

function motor(speed) {
  return {
    name: "motor",
    type: "Template",
    value: {
      isDefinition: false,
      templateRef: "Motor",
      version: "1",
      metrics: [{ name: "speed", type: "Int32", value: speed }],
      parameters: [],
    },
  };
}

function births() {
  const timestamp = Date.now();
  node.publishNodeBirth(
    {
      timestamp,
      metrics: [
        { name: "Node Control/Rebirth", type: "Boolean", value: false },
        { name: "voltage", type: "Float", value: 12.5 },
      ],
    },
    options,
  );
  node.publishDeviceBirth(
    "CNC 1",
    {
      timestamp,
      metrics: [
        { name: "temperature", type: "Double", value: temperature, timestamp },
        { name: "count", type: "Int32", value: -5, timestamp },
        { name: "big", type: "UInt64", value: 4294967296, timestamp },
        { name: "running", type: "Boolean", value: true, timestamp },
        { name: "note", type: "String", value: "bắt đầu", timestamp },
        { name: "since", type: "DateTime", value: Date.parse("2026-03-02T06:00:00Z"), timestamp },
        { ...motor(1450), timestamp },
      ],
    },
    options,
  );
}

function tell(metric) {
  const timestamp = Date.now();
  node.publishDeviceData("CNC 1", { timestamp, metrics: [{ ...metric, timestamp }] }, options);
}

function obey(line) {
  const [word, number] = line.split(" ");
  if (word === "die") process.exit(1);
  else if (word === "rebirth") births();
  else if (word === "udt") tell(motor(Number(number)));
  else if (word === "burst") {
    for (let k = 1; k <= Number(number); k += 1) {
      if (k % 10) tell({ name: "count", type: "Int32", value: k });
      else {
        const timestamp = Date.now();
        const metrics = [{ name: "voltage", type: "Float", value: k, timestamp }];
        node.publishNodeData({ timestamp, metrics }, options);
      }
    }
  } else {
    temperature = Number(word);
    tell({ name: "temperature", type: "Double", value: temperature });
  }
}

node.on("birth", births);
node.on("ncmd", (payload) => {
  if (payload.metrics.some((metric) => metric.name === "Node Control/Rebirth")) births();
});
let rest = "";
process.stdin.on("data", (chunk) => {
  const lines = (rest + chunk).split("\n");
  rest = lines.pop();
  lines.forEach(obey);
});
