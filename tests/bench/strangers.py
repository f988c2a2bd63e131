#!/usr/bin/env python3
"""strangers.py --target HOST:PORT --count N --sources M --rate R: sends N INVITEs, R a second, from M addresses of 127.0.0.0/8.

One socket sends them all: the source of each datagram is chosen by IP_PKTINFO, as every address of 127.0.0.0/8 is this machine's.
Nobody reads the answers. Prints one JSON object."""
import argparse, json, socket, struct, time

parser = argparse.ArgumentParser()
parser.add_argument('--target', required=True)
parser.add_argument('--count', type=int, required=True)
parser.add_argument('--sources', type=int, required=True)
parser.add_argument('--rate', type=int, default=20000)
args = parser.parse_args()

SDP = 'v=0\r\no=s 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=sendrecv\r\n'
# Linux's number for it; Python's socket module has had its name since 3.14 only.
IP_PKTINFO = 8
# 127.16.0.0 and up: none of them is a trunk's.
FIRST = 127 << 24 | 16 << 16

host, port = args.target.rsplit(':', 1)
target = (host, int(port))
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(('0.0.0.0', 0))
own = sock.getsockname()[1]
sent, start = 0, time.monotonic()
while sent < args.count:
    due = min(args.count, int((time.monotonic() - start) * args.rate) + 1)
    for n in range(sent, due):
        packed = struct.pack('!I', FIRST + n % args.sources)
        me = f'{socket.inet_ntoa(packed)}:{own}'
        text = (f'INVITE sip:1000@{args.target} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bKs{n};rport\r\nMax-Forwards: 70\r\n'
                f'From: "stranger" <sip:stranger{n}@{me}>;tag=s{n}\r\nTo: <sip:1000@{args.target}>\r\nCall-ID: s{n}@{me}\r\nCSeq: 1 INVITE\r\n'
                f'Contact: <sip:stranger@{me}>\r\nContent-Type: application/sdp\r\nContent-Length: {len(SDP)}\r\n\r\n{SDP}')
        # struct in_pktinfo: interface (any), the source, and the destination, which counts for nothing here.
        sock.sendmsg([text.encode()], [(socket.IPPROTO_IP, IP_PKTINFO, struct.pack('=I4s4s', 0, packed, packed))], 0, target)
    sent = due
    time.sleep(0.001)
print(json.dumps(dict(sent=sent, seconds=round(time.monotonic() - start, 2))))
