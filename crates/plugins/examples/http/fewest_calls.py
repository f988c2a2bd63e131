"""Fewest calls as a service, with nothing but Python's standard library: fewest_calls.py PORT [FILE WITH THE SECRET]

In queues.yaml, with `secrets: { routing: { file: FILE } }` in strowger.yaml:

    plugins:
      fewest: { url: "http://127.0.0.1:PORT/decide", sign: { secret: routing } }
    queues:
      sales: { plugin: { name: fewest, order: fewest-calls } }
"""

import hashlib
import hmac
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = None
LATEST = 300  # seconds that a signature may be old
LARGEST = 1 << 20


def decide(snapshot):
    """Of the lowest level that is there, who answered the fewest calls today; an agent gets the first call."""
    question = snapshot["question"]
    if question["choose"] == "call":
        call, agent = question["calls"][0], question["agent"]
        reason = f"first of {len(question['calls'])}, waited {call['waited_ms']} ms"
        return {"action": "offer", "call": call["id"], "agent": agent["agent"], "reason": reason}
    candidates = question["candidates"]
    level = min(candidate["level"] for candidate in candidates)
    eligible = [candidate for candidate in candidates if candidate["level"] == level]
    best = min(eligible, key=lambda candidate: candidate["calls_today"])
    return {
        "action": "offer",
        "call": question["call"]["id"],
        "agent": best["agent"],
        "reason": f"{best['calls_today']} calls today, fewest of {len(eligible)}",
        "scores": [-candidate["calls_today"] for candidate in candidates],
    }


def is_signed(header, body):
    """`t=SECONDS,v1=HEX`: HEX is the HMAC-SHA256 of `SECONDS.BODY`, by the secret."""
    parts = dict(part.partition("=")[::2] for part in header.split(","))
    at, given = parts.get("t", ""), parts.get("v1", "")
    if not at.isdigit() or abs(time.time() - int(at)) > LATEST:
        return False
    expected = hmac.new(SECRET, at.encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), given.encode())


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps the connection
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body of an answer in one packet

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        if length > LARGEST:
            return self.answer(413, {})
        body = self.rfile.read(length)
        if SECRET is not None and not is_signed(self.headers.get("Strowger-Signature", ""), body):
            return self.answer(401, {})
        asked = json.loads(body)
        # Told of outcomes it learns nothing.
        return self.answer(200, decide(asked["snapshot"]) if asked["ask"] == "decide" else {})

    def answer(self, status, said):
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    if len(sys.argv) > 2:
        with open(sys.argv[2], "rb") as file:
            SECRET = file.read().rstrip(b"\r\n")
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    print(f"listening on {server.server_address[1]}", flush=True)
    server.serve_forever()
