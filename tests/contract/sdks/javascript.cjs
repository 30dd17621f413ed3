// Records what the JavaScript SDK writes: npm install cloudevents@10.0.0 && node javascript.cjs > javascript.json
const { CloudEvent, HTTP, Kafka } = require("cloudevents");
const { version } = require("cloudevents/package.json");

const purchase = (order) => ({
  order_id: order,
  channel: "web",
  total: { amount: 1299.0, currency: "EUR" },
  items: [{ sku: "x", quantity: 1, unit_price: { amount: 1299, currency: "EUR" } }],
  note: "Grüße ☃",
});

const event = (name, more) =>
  new CloudEvent({
    id: name,
    source: "/sdk/javascript",
    type: "rapport.purchase.made.v1",
    subject: `javascript-${name}`,
    time: "2025-12-31T23:59:59.999999999Z",
    // This SDK leaves a header as it is, and HTTP clients take ASCII alone, or write Latin-1.
    region: name.startsWith("http-binary") ? 'Nord "1" 100% of it' : 'Köln "Nord" 100% ☃',
    sequence: 7,
    sampled: true,
    data: purchase(name),
    ...more,
  });

const recorded = [];
// What is undefined, kafkajs writes as a header without a value; what is neither text nor bytes, users make JSON.
const base64 = (value) => Buffer.from(value).toString("base64");
const bytes = (body) => (typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body));
const record = (transport, mode, name, headers, body) =>
  recorded.push({
    transport,
    mode,
    name,
    headers: Object.entries(headers).map(([k, v]) => [k, v === undefined ? null : base64(`${v}`)]),
    body: body === undefined ? null : base64(bytes(body)),
  });

const kinds = {
  plain: {},
  typed: { datacontenttype: "Application/JSON; charset=UTF-8" },
  bytes: (name) => ({ data: Buffer.from(JSON.stringify(purchase(name))), datacontenttype: "application/json" }),
  nothing: { type: "rapport.customer.erased.v1", data: undefined },
};
for (const [kind, more] of Object.entries(kinds)) {
  for (const [transport, binding] of [["http", HTTP], ["kafka", Kafka]]) {
    for (const mode of ["structured", "binary"]) {
      const name = `${transport}-${mode}-${kind}`;
      const message = binding[mode](event(name, typeof more === "function" ? more(name) : more));
      record(transport, mode, name, message.headers, transport === "http" ? message.body : message.value);
    }
  }
}
console.log(JSON.stringify({ sdk: `cloudevents ${version} (npm)`, messages: recorded }, null, 1));
