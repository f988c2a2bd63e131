#!/usr/bin/env python3
"""digit_probe.py: how long from a digit to the prompt that it asks for. Places calls one after another, sends 50 packets a second
and digit 1 by RFC 4733, and finds in what comes back where the expected prompt begins, by comparing the sound. Receive times are
the kernel's. Prints one JSON object: milliseconds from the digit's first packet, and from its first end packet, to the first packet
of the prompt.
  digit_probe.py --target 127.0.0.1:5080 --ext 2000 --prompt hold-10s.wav --calls 20"""
import argparse, json, os, random, re, select, socket, struct, time, wave

ap = argparse.ArgumentParser()
ap.add_argument('--target', required=True); ap.add_argument('--ext', required=True); ap.add_argument('--prompt', required=True)
ap.add_argument('--calls', type=int, default=20); ap.add_argument('--digit-at', type=float, default=1.0)
A = ap.parse_args()
host, port = A.target.rsplit(':', 1); port = int(port)
SO_TIMESTAMPNS, FRAME, MATCH = 35, 160, 5

def ulaw(byte):
    byte ^= 0xff
    value = (((byte & 15) << 3) + 132 << ((byte >> 4) & 7)) - 132
    return -value if byte & 128 else value
TABLE = [ulaw(b) for b in range(256)]

with wave.open(A.prompt) as w:
    assert (w.getnchannels(), w.getsampwidth(), w.getframerate()) == (1, 2, 8000), 'the prompt must be 8 kHz mono PCM16'
    PCM = struct.unpack('<%dh' % w.getnframes(), w.readframes(w.getnframes()))

def likeness(payloads, offset):
    """How much the packets are the prompt from frame `offset` on: 1 for the same sound, NaN-free; 0 for silence."""
    sound = [TABLE[b] for p in payloads for b in p]; want = PCM[offset * FRAME: offset * FRAME + len(sound)]
    top = sum(a * b for a, b in zip(sound, want)); size = (sum(a * a for a in sound) * sum(b * b for b in want)) ** .5
    return top / size if size > 1e6 else 0.0

def begin(packets):
    """The arrival time of the prompt's first packet. A prompt that fades in is found some frames later and counted back."""
    for i in range(len(packets) - MATCH):
        for offset in range(0, 26):
            if likeness([p[1] for p in packets[i:i + MATCH]], offset) > 0.98:
                return packets[i][0] - offset * 0.02 if i < offset else packets[i - offset][0]
    return None

def call(n):
    sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); sip.bind(('127.0.0.1', 0)); lp = sip.getsockname()[1]
    rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); rtp.bind(('127.0.0.1', 0)); rtp.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    uri, cid, tag = 'sip:%s@%s' % (A.ext, A.target), '%x' % random.getrandbits(64), '%x' % random.getrandbits(32)
    sdp = 'v=0\r\no=p 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %d RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n' % rtp.getsockname()[1]
    def request(method, number, to, target, body=''):
        sip.sendto(('%s %s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bK%x;rport\r\nMax-Forwards: 70\r\nFrom: <sip:probe@127.0.0.1:%d>;tag=%s\r\nTo: %s\r\n'
            'Call-ID: %s\r\nCSeq: %d %s\r\nContact: <sip:probe@127.0.0.1:%d>\r\n%sContent-Length: %d\r\n\r\n%s' % (method, target, lp, random.getrandbits(48), lp, tag, to, cid,
            number, method, lp, 'Content-Type: application/sdp\r\n' if body else '', len(body), body)).encode(), (host, port))
    request('INVITE', 1, '<%s>' % uri, uri, sdp); got = ''; end = time.monotonic() + 5
    while not got.startswith('SIP/2.0 2') and time.monotonic() < end:
        if select.select([sip], [], [], 0.2)[0]: got = sip.recv(65535).decode(errors='replace')
    if not got.startswith('SIP/2.0 2'): return None
    to = re.search(r'^To:\s*(.*?)\r$', got, re.M | re.I).group(1); target = re.search(r'^Contact:.*?(sip:[^>\s]+)', got, re.M | re.I).group(1)
    request('ACK', 1, to, target)
    peer = (re.search(r'^c=IN IP4 (\S+)', got, re.M).group(1), int(re.search(r'^m=audio (\d+)', got, re.M).group(1)))
    start = time.monotonic(); seq, ts, ssrc = random.getrandbits(15), random.getrandbits(31), random.getrandbits(32)
    first = last = None; packets = []; event = None; quiet = bytes([0xff]) * FRAME
    jitter = random.random() * 0.2  # so that the digit falls anywhere in the server's tick
    count = int((A.digit_at + jitter + 1.0) * 50)
    for k in range(count):
        pt, body, mark, stamp = 0, quiet, 0, ts
        if event is None and k * 0.02 >= A.digit_at + jitter: event = [ts, 0]
        if event and event[1] < 8:
            event[1] += 1; ended = event[1] > 5
            pt, body, mark, stamp = 101, struct.pack('!BBH', 1, (0x80 if ended else 0) | 10, FRAME * min(event[1], 5)), event[1] == 1, event[0]
        now = time.time()
        rtp.sendto(struct.pack('!BBHII', 0x80, pt | (0x80 if mark else 0), seq & 0xffff, stamp & 0xffffffff, ssrc) + body, peer)
        if pt == 101: first = first or now; last = now if (ended and last is None) else last
        seq += 1; ts += FRAME; due = start + (k + 1) * 0.02
        while True:
            left = due - time.monotonic()
            if left <= 0: break
            if select.select([rtp], [], [], left)[0]:
                data, extra, _, _ = rtp.recvmsg(2048, 128); at = time.time()
                for level, kind, value in extra:
                    if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS): at = sum(x * y for x, y in zip(struct.unpack('qq', value[:16]), (1, 1e-9)))
                if len(data) == 12 + FRAME and data[1] & 127 == 0: packets.append((at, data[12:]))
    request('BYE', 2, to, target); select.select([sip], [], [], 1.0)
    at = begin([p for p in packets if p[0] >= first])
    return None if at is None else ((at - first) * 1000, (at - last) * 1000)

found = [r for r in (call(n) for n in range(A.calls)) if r]
print(json.dumps(dict(calls=A.calls, from_start_ms=[round(r[0], 2) for r in found], from_end_ms=[round(r[1], 2) for r in found])))
