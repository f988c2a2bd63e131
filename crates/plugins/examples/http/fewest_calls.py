"""Who answered the fewest calls today gets the next one; who lets calls ring stands behind the others until he takes one.

A service with nothing but Python's standard library: python3 fewest_calls.py PORT [FILE WITH THE SECRET]

Parameters: `misses`, after how many calls in a row that an agent did not take he stands behind (3 unless said).

State: by agent, how many calls in a row he did not take.
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
# Agents that the state has room for: it may have 4,096 octets.
MAX_AGENTS = 50


def decide(snapshot, parameters):
    most = parameters.get("misses", 3)
    missed = read(snapshot.get("state"))
    question = snapshot["question"]
    if question["choose"] == "agent":
        # A call came, and several agents are free.
        call, candidates = question["call"], question["candidates"]
        lowest = min(c["level"] for c in candidates)
        eligible = [c for c in candidates if c["level"] == lowest]
        # Of equals the first one.
        best = min(eligible, key=lambda c: (missed.get(c["agent"], 0) >= most, c["calls_today"]))
        reason = f"{best['calls_today']} calls today, fewest of {len(eligible)}"
        return offer(call["id"], best["agent"], reason, [-c["calls_today"] for c in candidates])
    # An agent became free, and several calls wait.
    agent, calls = question["agent"], question["calls"]
    reason = f"first of {len(calls)}, waited {calls[0]['waited_ms']} ms"
    return offer(calls[0]["id"], agent["agent"], reason, [])


def told(outcomes, state):
    missed = read(state)
    for outcome in outcomes:
        agent, happened = outcome["agent"], outcome["happened"]
        if happened == "accepted":
            missed.pop(agent, None)
        elif happened in ("declined", "timed_out", "unreachable"):
            missed[agent] = missed.get(agent, 0) + 1
    kept = dict(sorted(missed.items())[:MAX_AGENTS])
    new = json.dumps(kept, separators=(",", ":"), ensure_ascii=False)
    return {"state": new} if new != state else {}


def read(state):
    """A state that cannot be read is an empty one."""
    try:
        return json.loads(state or "{}")
    except ValueError:
        return {}


def offer(call, agent, reason, scores):
    return {"action": "offer", "call": call, "agent": agent, "reason": reason, "scores": scores}


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
        if asked["ask"] == "decide":
            return self.answer(200, decide(asked["snapshot"], asked["parameters"]))
        return self.answer(200, told(asked["outcomes"], asked["state"]))

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


class Server(ThreadingHTTPServer):
    request_queue_size = 128  # connections that come at once


if __name__ == "__main__":
    if len(sys.argv) > 2:
        with open(sys.argv[2], "rb") as file:
            SECRET = file.read().rstrip(b"\r\n")
    server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
    print(f"listening on {server.server_address[1]}", flush=True)
    server.serve_forever()
