#!/usr/bin/env python3
"""register_probe.py --target HOST:PORT --passwords FILE: registers each user of FILE (`name: password` a line) once, with digest
by SHA-256 (RFC 7616), some dozens at a time. Prints one JSON object."""
import argparse, hashlib, json, re, socket, time

parser = argparse.ArgumentParser()
parser.add_argument('--target', required=True)
parser.add_argument('--passwords', required=True)
parser.add_argument('--window', type=int, default=50)
args = parser.parse_args()

host, port = args.target.rsplit(':', 1)
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(('127.0.0.1', 0))
sock.connect((host, int(port)))
sock.settimeout(2)
me = '127.0.0.1:%d' % sock.getsockname()[1]
users = [line.strip().split(': ') for line in open(args.passwords) if ': ' in line]
sha = lambda text: hashlib.sha256(text.encode()).hexdigest()


def register(n, cseq, credentials=''):
    name = users[n][0]
    sock.send((f'REGISTER sip:{host} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bK{n}x{cseq};rport\r\nMax-Forwards: 70\r\n'
               f'From: <sip:{name}@{host}>;tag=r{n}\r\nTo: <sip:{name}@{host}>\r\nCall-ID: {n}@{me}\r\nCSeq: {cseq} REGISTER\r\n'
               f'Contact: <sip:{name}@{me}>\r\nExpires: 3600\r\n{credentials}Content-Length: 0\r\n\r\n').encode())


def credentials(n, challenge):
    name, password = users[n]
    realm, nonce = (re.search(rf'{key}="([^"]*)"', challenge).group(1) for key in ('realm', 'nonce'))
    uri = f'sip:{host}'
    response = sha(':'.join((sha(f'{name}:{realm}:{password}'), nonce, '00000001', 'c', 'auth', sha(f'REGISTER:{uri}'))))
    return (f'Authorization: Digest username="{name}", realm="{realm}", nonce="{nonce}", uri="{uri}", algorithm=SHA-256, '
            f'qop=auth, nc=00000001, cnonce="c", response="{response}"\r\n')


start, ok, failed, begun = time.monotonic(), 0, 0, 0
while ok + failed < len(users):
    while begun < len(users) and begun - ok - failed < args.window:
        register(begun, 1)
        begun += 1
    try:
        answer = sock.recv(4096).decode()
    except TimeoutError:
        break
    n = int(re.search(r'Call-ID: (\d+)@', answer).group(1))
    cseq = int(re.search(r'CSeq: (\d+) ', answer).group(1))
    status = int(answer.split(' ', 2)[1])
    if status == 401 and cseq == 1:
        challenge = next(line for line in answer.split('\r\n') if line.startswith('WWW-Authenticate') and 'SHA-256' in line)
        register(n, 2, credentials(n, challenge))
    elif status == 200:
        ok += 1
    else:
        failed += 1
print(json.dumps(dict(users=len(users), ok=ok, failed=len(users) - ok, seconds=round(time.monotonic() - start, 2))))
