// A stranger that speaks HTTP/2 alone: fewest calls, over TLS. node.js CERTIFICATE KEY CA: who connects must show a certificate of CA.
const { createSecureServer } = require("node:http2");
const { readFileSync } = require("node:fs");

const [cert, key, ca] = process.argv.slice(2).map((path) => readFileSync(path));
let sessions = 0;
const server = createSecureServer({ cert, key, ca, requestCert: true, rejectUnauthorized: true, allowHTTP1: false });
server.on("session", () => { sessions += 1; });
server.on("stream", (stream, headers) => {
  const parts = [];
  stream.on("data", (part) => parts.push(part));
  stream.on("end", () => {
    const { question } = JSON.parse(Buffer.concat(parts)).snapshot;
    const said = decide(question);
    said.state = `${headers[":method"]} ${headers[":authority"].split(":")[0]} ${headers[":path"]} ${sessions}`;
    stream.respond({ ":status": 200, "content-type": "application/json" });
    stream.end(JSON.stringify(said));
  });
});

function decide(question) {
  if (question.choose === "call") {
    const call = question.calls[0];
    const reason = `first of ${question.calls.length}, waited ${call.waited_ms} ms`;
    return { action: "offer", call: call.id, agent: question.agent.agent, reason };
  }
  const level = Math.min(...question.candidates.map((candidate) => candidate.level));
  const eligible = question.candidates.filter((candidate) => candidate.level === level);
  const best = eligible.reduce((best, candidate) => (candidate.calls_today < best.calls_today ? candidate : best));
  return {
    action: "offer",
    call: question.call.id,
    agent: best.agent,
    reason: `${best.calls_today} calls today, fewest of ${eligible.length}`,
    scores: question.candidates.map((candidate) => -candidate.calls_today),
  };
}

server.listen(0, "127.0.0.1", () => console.log(`listening on ${server.address().port}`));
