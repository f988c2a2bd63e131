#!/usr/bin/env python3
"""Measures the switch and prints the figures beside the aims and the peers'. Run through scripts/bench.

Each part starts the binary afresh on a copy of config/bench, with its data in a folder that is removed afterwards, loads it with
SIPp on loopback, and ends it. Everything is bounded in count and time. CPU is user + system time of all threads of the
server, over an interval in which all calls are up, divided by calls or call-seconds.

parts: signalling short ivr recorded bridge recorded-bridge spacing digit answer unproven register overload soak (default: all but soak)
"""
import argparse
import csv
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TICKS = os.sysconf('SC_CLK_TCK')

# What the issue asks for, and what the peers measured with the same scenarios on two vCPUs of this kind.
AIMS = {
    'signalling': (0.12, 'Asterisk 1.9-2.3, FreeSWITCH 3.9-4.9, rsipstack (bare UAS) 0.19'),
    'signalling, other': (None, '-'),
    'signalling, two legs': (0.30, 'RustPBX 8.0-13'),
    'setup, two legs': (5, '-'),
    'rate': (None, 'Asterisk 500-600, FreeSWITCH 250, RustPBX 125-180'),
    'rate, other': (None, '-'),
    'short': (None, 'Asterisk 5.6, FreeSWITCH 10.9'),
    'ivr': (0.25, 'Asterisk 2.0-2.2, FreeSWITCH 2.1, RustPBX 1.75-1.96; I/O alone 0.12'),
    'callers in flows': (0.5, '-'),
    'decision': (100, '-'),
    'asked': (None, '-'),
    'ring-all': (None, '-'),
    'scan': (None, '-'),
    'seats': (0.1, '-'),
    'recorded': (0.35, 'Asterisk 4.1-4.35, FreeSWITCH 3.2-3.6'),
    'floor': (None, '0.24 on a quiet machine of this kind'),
    'bridge': (0.45, 'Asterisk 2.1-2.7, FreeSWITCH 3.3-3.8, rtpengine (relay) 0.88-0.97; I/O alone 0.24'),
    'recorded-bridge': (None, 'Asterisk 5.7, RustPBX 2.3-2.5'),
    'memory': (40, 'Asterisk 170-190, FreeSWITCH 500-520, RustPBX 1,400 (IVR call)'),
    'memory, bridged': (40, 'Asterisk 440-470, FreeSWITCH 760-780, RustPBX 550-750, rtpengine 45'),
    'memory, recorded': (None, '-'),
    'spacing': (22, 'p99.9: Asterisk 20.4-37, FreeSWITCH 21.8 (SCHED_FIFO), RustPBX p99 21.0'),
    'digit': (25, 'from digit end: Asterisk 1.3-2.9, RustPBX 19'),
    'answer': (None, '-'),
    'unproven': (8, '-'),
    'unproven, many': (1.3, '-'),
    'register': (None, '-'),
    'goodput': (90, '-'),
    'goodput, 5x': (80, '-'),
    'soak': (None, '-'),
}
# Figures of which more is better.
AT_LEAST = {'goodput', 'goodput, 5x'}


def free_port(first):
    """The first port from `first` on that nobody holds; phones' ports, so that two benches do not meet."""
    for port in range(first, first + 2000, 2):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(('127.0.0.1', port))
                return port
            except OSError:
                pass
    sys.exit(f'no free port from {first} on')


class Server:
    """The release binary on a copy of the bench's configuration."""

    def __init__(self, args, *changes):
        """`changes` of the configuration: file, pattern, replacement each."""
        self.folder = tempfile.mkdtemp(prefix='strowger-bench-')
        config = os.path.join(self.folder, 'config')
        shutil.copytree(args.config, config, ignore=shutil.ignore_patterns('data'))
        # Free ports in place of the configured ones, so that a switch that runs already is neither met nor measured.
        self.agent_port = free_port(5090)
        for name, old, new in (('strowger.yaml', r'(udp: 127\.0\.0\.1):\d+', r'\1:0'), ('users.yaml', r'127\.0\.0\.1:5090', f'127.0.0.1:{self.agent_port}'), *changes):
            path = os.path.join(config, name)
            with open(path) as f:
                text = f.read()
            with open(path, 'w') as f:
                f.write(re.sub(old, new, text, count=1))
        self.prepare(config)
        self.log = open(os.path.join(self.folder, 'log'), 'wb')
        self.process = subprocess.Popen([args.binary, 'run', '--config', config], stdout=subprocess.PIPE, stderr=self.log)
        self.targets = {}
        for line in self.process.stdout:
            if line.startswith(b'listening '):
                transport, address = line.decode().split()[1:3]
                self.targets[transport] = address
            if line.strip() == b'ready':
                break
        else:
            why = open(self.log.name).read()[-2000:]
            self.__exit__()
            sys.exit('the switch did not start: ' + why)
        self.target = self.targets['udp']
        time.sleep(0.5)
        self.idle = self.memory()

    def prepare(self, config):
        """What else must lie in the folder before the switch starts."""

    def cpu(self):
        """CPU seconds so far."""
        with open(f'/proc/{self.process.pid}/stat') as f:
            fields = f.read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self):
        """Resident memory in kB."""
        with open(f'/proc/{self.process.pid}/status') as f:
            return int(re.search(r'VmRSS:\s*(\d+)', f.read()).group(1))

    def descriptors(self):
        """Open file descriptors."""
        return len(os.listdir(f'/proc/{self.process.pid}/fd'))

    def sockets(self):
        """UDP sockets: each call has one for each of its legs."""
        with open(f'/proc/{self.process.pid}/net/udp') as f:
            inodes = {line.split()[9] for line in f.readlines()[1:]}
        found = 0
        for fd in os.listdir(f'/proc/{self.process.pid}/fd'):
            try:
                target = os.readlink(f'/proc/{self.process.pid}/fd/{fd}')
            except OSError:
                continue
            found += target.startswith('socket:[') and target[8:-1] in inodes
        return found

    def dropped(self):
        """Datagrams that found its socket or its queue full."""
        port = f':{int(self.target.rsplit(":", 1)[1]):04X}'
        with open(f'/proc/{self.process.pid}/net/udp') as f:
            drops = sum(int(line.split()[-1]) for line in f.readlines()[1:] if line.split()[1].endswith(port))
        for path in glob.glob(os.path.join(self.folder, 'config', 'data', 'journal', '*.jsonl')):
            events = [json.loads(line) for line in open(path) if '"dropped"' in line]
            drops += sum(event['count'] for event in events if event.get('what') == 'datagrams_in')
        return drops

    def records(self):
        """CDRs written so far."""
        files = glob.glob(os.path.join(self.folder, 'config', 'data', 'cdr', '*.jsonl'))
        return sum(1 for path in files for _ in open(path))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # The second SIGTERM ends at once; the calls have been ended by their callers.
        for sig in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is None:
                self.process.send_signal(sig)
                try:
                    self.process.wait(1)
                except subprocess.TimeoutExpired:
                    pass
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Sipp:
    """One SIPp process, run from this folder because it opens the audio by relative name."""

    def __init__(self, scenario, *options, rtt=False):
        self.folder = tempfile.mkdtemp(prefix='strowger-sipp-')
        self.stats = os.path.join(self.folder, 'stat.csv')
        self.rtt = rtt
        # The ports that callers and audio usually have here (README.md), or the next ones that are free.
        if '-p' not in options:
            options = ('-p', str(free_port(5091)), '-mp', str(free_port(34000)), *options)
        command = ['sipp', '-sf', scenario, '-i', '127.0.0.1', '-nostdin', '-trace_stat', '-stf', self.stats, '-fd', '1', *options]
        if rtt:
            # SIPp names this file itself, in its working folder.
            for name in (scenario, 'caller10s.ul', 'dtmf1_pt101.pcap'):
                os.symlink(os.path.join(HERE, name), os.path.join(self.folder, name))
            command += ['-trace_rtt', '-rtt_freq', '1']
        self.process = subprocess.Popen(command, cwd=self.folder if rtt else HERE, stdout=subprocess.DEVNULL, stderr=open(os.path.join(self.folder, 'errors'), 'wb'))

    def wait(self, seconds):
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.end()
        return self.figures()

    def figures(self):
        """The last line of SIPp's own statistics."""
        try:
            rows = list(csv.DictReader(open(self.stats), delimiter=';'))
        except OSError:
            rows = []
        if self.process.poll() not in (None, 0, 1) or (not rows and self.process.poll() is not None):
            sys.exit(f'SIPp failed: {self.process.args}: ' + open(os.path.join(self.folder, 'errors')).read()[-1000:])
        row = rows[-1] if rows else {}
        number = lambda key: float(row.get(key) or 0)
        # SIPp names the counters of a scenario in its own way; they stand in their order.
        counted = [float(value or 0) for key, value in row.items() if key and key.startswith('GenericCounter') and key.endswith('(C)')]
        return dict(ok=int(number('SuccessfulCall(C)')), failed=int(number('FailedCall(C)')), calls=int(number('TotalCallCreated')),
                    current=int(number('CurrentCall')), retransmissions=int(number('Retransmissions(C)')), rate=number('CallRate(C)'), counted=counted)

    def response_times(self):
        """Milliseconds from INVITE to 200, one a call, sorted."""
        found = []
        for path in glob.glob(os.path.join(self.folder, '*_rtt.csv')):
            for line in open(path):
                parts = line.strip().split(';')
                if len(parts) >= 2 and parts[1].replace('.', '', 1).isdigit():
                    found.append(float(parts[1]))
        return sorted(found)

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)


def quantile(values, share):
    return values[min(len(values) - 1, int(share * len(values)))] if values else float('nan')


def row(name, value, unit, key, note=''):
    """One line of the table; a missed aim is marked."""
    aim, peers = AIMS[key]
    more = key in AT_LEAST
    goal = '' if aim is None else f'>= {aim}' if more else f'<= {aim}'
    missed = '' if aim is None or (value >= aim if more else value <= aim) else ' MISSED'
    print(f'{name:<34} {value:>9.3f} {unit:<14} {goal:<8}{missed:<8} {peers}{"; " + note if note else ""}', flush=True)


def burst(server, extension, scenario, rate, calls, seconds, transport='udp', *options):
    way = ('-t', 't1' if transport == 'tcp' else 'u1')
    target = server.targets[transport]
    with Sipp(scenario, '-s', extension, target, *way, '-r', str(rate), '-m', str(calls), '-l', '8000', *options, rtt=True) as sipp:
        figures = sipp.wait(seconds)
        figures['times'] = sipp.response_times()
        return figures


# A TCP and a TLS listener beside that of UDP; the certificate is made for each run.
LISTENERS = ('strowger.yaml', r'listeners:\n', 'listeners:\n  - tcp: 127.0.0.1:0\n  - tls: 127.0.0.1:0\n    certificate: pbx.pem\n    key: pbx.key\n')


class SignallingServer(Server):
    """The switch with a listener of each kind; an agent who answers at once, over UDP or TCP, where there are two legs."""

    def __init__(self, args, agent=None):
        changes = [LISTENERS]
        if agent == 'tcp':
            changes.append(('users.yaml', r'(contact: \S+)', r'\1;transport=tcp'))
        super().__init__(args, *changes)
        self.agent = None
        if agent:
            self.agent = Sipp('uas_agent.xml', '-p', str(self.agent_port), '-mi', '127.0.0.1', '-mp', str(free_port(9000)), '-t', 't1' if agent == 'tcp' else 'u1')
            time.sleep(0.5)

    def prepare(self, config):
        make = ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30', '-subj', '/CN=bench',
                '-addext', 'subjectAltName=IP:127.0.0.1', '-addext', 'basicConstraints=critical,CA:FALSE', '-keyout', 'pbx.key', '-out', 'pbx.pem']
        subprocess.run(make, cwd=config, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.certificate = os.path.join(config, 'pbx.pem')

    def generate(self, args, transport, rate, calls):
        """Calls of one leg by our own generator, over TCP or TLS."""
        tls = ('--tls', self.certificate) if transport == 'tls' else ()
        command = [args.generator, '--target', self.targets[transport], *tls, '--extension', '1000', '--rate', str(rate), '--count', str(calls)]
        out = subprocess.run(command, capture_output=True, text=True, timeout=calls / rate + 60)
        try:
            found = json.loads(out.stdout)
        except ValueError:
            sys.exit(f'{args.generator} failed: {out.stderr[-1000:]}')
        return dict(ok=found['ok'], failed=calls - found['ok'], rate=calls / found['seconds'], retransmissions=0, times=found['times'])

    def __exit__(self, *rest):
        if self.agent:
            self.agent.__exit__()
        super().__exit__(*rest)


# How signalling is measured: what it is called, the agent's transport if there are two legs, how calls are made.
WAYS = (
    ('UDP', None, lambda server, args, rate, calls, s: burst(server, '1000', 'uac_answer_bye.xml', rate, calls, s)),
    ('TCP', None, lambda server, args, rate, calls, s: burst(server, '1000', 'uac_answer_bye.xml', rate, calls, s, 'tcp')),
    ('TCP, own generator', None, lambda server, args, rate, calls, s: server.generate(args, 'tcp', rate, calls)),
    ('TLS, own generator', None, lambda server, args, rate, calls, s: server.generate(args, 'tls', rate, calls)),
    ('two legs, UDP', 'udp', lambda server, args, rate, calls, s: burst(server, '4001', 'uac_caller_bye.xml', rate, calls, s, 'udp', '-d', '100')),
    ('two legs, TCP', 'tcp', lambda server, args, rate, calls, s: burst(server, '4001', 'uac_caller_bye.xml', rate, calls, s, 'tcp', '-d', '100')),
)


def signalling(args):
    # A rate that every peer but one would not bear; below it, the idle threads' share is counted with the calls.
    rate, calls = 800, 1600 if args.quick else 8000
    for name, agent, make in WAYS:
        with SignallingServer(args, agent) as server:
            make(server, args, 200, 200, 20)
            before = server.cpu()
            figures = make(server, args, rate, calls, 60)
            spent = (server.cpu() - before) * 1000 / calls
        first = name == 'UDP'
        key = 'signalling' if first else 'signalling, two legs' if agent == 'udp' else 'signalling, other'
        row(f'signalling call, {name}', spent, 'CPU-ms', key, f'{figures["failed"]} of {calls} failed')
        row(f'  answered at {rate} calls/s, p50', quantile(figures['times'], .5), 'ms', 'setup, two legs' if agent == 'udp' else 'answer')
        row(f'  answered at {rate} calls/s, p99', quantile(figures['times'], .99), 'ms', 'answer')
        highest_rate(args, name, agent, make)


def highest_rate(args, name, agent, make):
    """Up until calls are lost or the generator makes no more; then halves the gap."""
    rates = [400, 800] if args.quick else [500, 1000, 2000, 3000, 4000, 6000, 8000]
    best, good, bad, seconds = 0, 0, None, 3 if args.quick else 6
    for _ in range(9):
        rate = next((r for r in rates if r > good), None) if bad is None else (good + bad) // 2
        if rate is None or (bad is not None and bad - good <= max(100, bad // 5)):
            break
        with SignallingServer(args, agent) as server:
            before = server.cpu()
            figures = make(server, args, rate, rate * seconds, seconds * 3 + 10)
            spent = (server.cpu() - before) * 1000 / max(1, figures['ok'])
        lost, made = rate * seconds - figures['ok'], figures['rate']
        print(f'  asked for {rate} calls/s for {seconds} s: {made:.0f} calls/s made, {figures["ok"]} ok, {lost} lost, {figures["retransmissions"]} '
              f'retransmissions by SIPp, p99 answer {quantile(figures["times"], .99):.1f} ms, {spent:.3f} CPU-ms a call', flush=True)
        if lost == 0:
            best, good = max(best, made), rate
        else:
            bad = rate
        if made < rate * 0.8:
            break
    row(f'highest rate without loss, {name}', best, 'calls/s', 'rate' if name == 'UDP' else 'rate, other',
        'the generator shares the two cores' if bad else 'no rate lost a call; no more were made')


def short(args):
    calls = 200 if args.quick else 1000
    with Server(args) as server:
        before = server.cpu()
        with Sipp('uac_short_media.xml', '-s', '1001', server.target, '-mi', '127.0.0.1', '-r', '50', '-m', str(calls), '-l', '2000') as sipp:
            figures = sipp.wait(calls / 50 + 40)
        row('answer, 2 s prompt, hang-up', (server.cpu() - before) * 1000 / calls, 'CPU-ms', 'short', f'{figures["failed"]} of {calls} failed')


def hold(args, extension, scenario, count, seconds):
    """`count` calls held; CPU over `seconds` in which all are up. Gives CPU-ms a call-second, kB a call, what failed."""
    ramp = count / 50
    held = (ramp + 2 + seconds + 2) * 1000
    agent = None
    with Server(args) as server:
        if scenario == 'uac_hold.xml':
            agent = Sipp('uas_agent.xml', '-p', str(server.agent_port), '-mi', '127.0.0.1', '-mp', str(free_port(9000)), '-rtp_echo')
            time.sleep(0.5)
        try:
            with Sipp(scenario, '-s', extension, server.target, '-mi', '127.0.0.1', '-rtp_threadtasks', '125', '-r', '50',
                      '-l', str(count), '-m', str(count), '-d', str(int(held))) as sipp:
                time.sleep(ramp + (4.5 if scenario == 'uac_ivr_hold.xml' else 2))
                up = sipp.figures()
                before, start = server.cpu(), time.monotonic()
                time.sleep(seconds)
                spent, took = server.cpu() - before, time.monotonic() - start
                memory = server.memory()
                figures = sipp.wait(ramp + 60)
        finally:
            if agent:
                agent.__exit__()
        note = f'{figures["ok"]}/{count} ended well'
        if up['current'] != count:
            note += f', only {up["current"]} were up'
        return spent * 1000 / (count * took), (memory - server.idle) / count, note


def floor(args, count):
    """What the kernel alone takes for the packets of `count` bridges, on this machine and now: the figure to hold a bridge's beside."""
    out = subprocess.run([args.floor, '--calls', str(count), '--seconds', '3' if args.quick else '8'], capture_output=True, text=True, timeout=60, check=True)
    found = json.loads(out.stdout)
    row(f'bare receive and send, {count} calls', found['ms'], 'CPU-ms/call-s', 'floor', f'{found["packets"]} packets, {found["lost"]} lost')


def flows(args):
    """What 10,000 callers in the shipped menus cost the domain thread, each with a key every three seconds: its virtual clock needs no phones."""
    shipped = os.path.join(args.config, os.pardir)
    command = [args.callers, '--config', shipped, '--callers', '10000', '--seconds', '20' if args.quick else '60']
    found = json.loads(subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout)
    note = f'{found["in_flows"]} in a flow at the end, {found["keys"]} keys, {found["calls"]} calls'
    row('10,000 callers in flows, virtual', found['share_of_a_core'], 'cores', 'callers in flows', note)


def routing(args):
    """What decisions of queues cost, on a virtual clock: 10,000 agents and fewer, in 200 queues."""
    for agents in (1000,) if args.quick else (100, 1000, 10000):
        command = [args.decisions, '--agents', str(agents), '--waiting', str(agents // 2), '--steps', '5000' if args.quick else '50000']
        found = json.loads(subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout)
        name, note = f'{agents} agents', f'{found["candidates_mean"]:.1f} candidates'
        for kind, key in (('call_surplus', 'decision'), ('agent_surplus', 'decision'), ('ring_all', 'ring-all'), ('scan', 'scan')):
            times = found[f'{kind}_us']
            row(f'{name}, {kind.replace("_", " ")}, p99', times['p99'], 'CPU-us', key, f'p50 {times["p50"]:.1f}; {note}')
        row(f'{name}, calls of 5 min', found['share_of_a_core'], 'cores', 'seats')
    plugins(args)


# What `asked` tells of, in words.
WAYS = {'built_in': 'built in', 'rust': 'plugin in Rust', 'fresh': 'WebAssembly, fresh', 'kept': 'WebAssembly, kept', 'http': 'HTTP (Python)'}
SERVICE = os.path.join(HERE, '../../crates/plugins/examples/http/fewest_calls.py')
COMPONENT = os.path.join(HERE, '../../crates/plugins/tests/frozen/first-1.0.0.wasm')


def plugins(args):
    """What it costs to ask a plugin for a decision, by the way that it is asked."""
    with subprocess.Popen([sys.executable, SERVICE, '0'], stdout=subprocess.PIPE, text=True) as service:
        try:
            url = f'http://127.0.0.1:{service.stdout.readline().split()[-1]}/'
            command = [args.asked, '--component', COMPONENT, '--url', url, '--seconds', '1' if args.quick else '5']
            found = json.loads(subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout)
        finally:
            service.terminate()
    for way, name in WAYS.items():
        if way in found:
            times = found[way]
            note = f'on the clock p50 {times["p50_us"]:.1f}, p99 {times["p99_us"]:.1f} us'
            row(f'a decision, {name}', times['cpu_us'], 'CPU-us', 'asked', note)
            row(f'4 queues at once, {name}', times['rate'], 'decisions/s', 'asked')


def media(name, extension, scenario):
    def run(args):
        for count in args.counts:
            if name == 'bridge':
                floor(args, count)
            cpu, memory, note = hold(args, extension, scenario, count, 5 if args.quick else 12)
            row(f'{name}, {count} calls', cpu, 'CPU-ms/call-s', name, note)
            kind = 'memory, recorded' if 'recorded' in name else 'memory, bridged' if name == 'bridge' else 'memory'
            row(f'{name}, {count} calls, memory', memory, 'kB a call', kind)
    return run


def probe(server, script, *options):
    out = subprocess.run([sys.executable, os.path.join(HERE, script), '--target', server.target, *options], capture_output=True, text=True, timeout=180)
    try:
        return json.loads(out.stdout)
    except ValueError:
        sys.exit(f'{script} failed: {out.stdout[-500:]}{out.stderr[-1500:]}')


def spacing(args):
    count = 100 if args.quick else 300
    seconds = 8 if args.quick else 30
    with Server(args) as server:
        held = (count / 50 + seconds + 8) * 1000
        with Sipp('uac_ivr_hold.xml', '-s', '2000', server.target, '-mi', '127.0.0.1', '-rtp_threadtasks', '125', '-r', '50',
                  '-l', str(count), '-m', str(count), '-d', str(int(held))) as sipp:
            time.sleep(count / 50 + 4)
            found = probe(server, 'media_probe.py', '--ext', '2000', '--calls', '5', '--seconds', str(seconds), '--skip', '1')
            figures = sipp.wait(60)
    delta = found['delta_ms']
    note = f'{found["packets"]} packets, {found["lost"]} lost; {figures["ok"]}/{count} held calls ended well; scheduling {scheduling()}'
    for key in ('p50', 'p99'):
        row(f'spacing with {count} calls, {key}', delta[key], 'ms', 'answer')
    row(f'spacing with {count} calls, p99.9', delta['p999'], 'ms', 'spacing', note)
    row(f'spacing with {count} calls, max', delta['max'], 'ms', 'answer')


def scheduling():
    return 'SCHED_OTHER' if not os.environ.get('STROWGER_SCHED') else os.environ['STROWGER_SCHED']


def digit(args):
    wav = os.path.join(args.config, 'prompts', 'en', 'hold-10s.wav')
    with Server(args) as server:
        found = probe(server, 'digit_probe.py', '--ext', '2000', '--prompt', wav, '--calls', '5' if args.quick else '20')
    times = sorted(found['from_start_ms'])
    note = f'{len(times)} of {found["calls"]} calls'
    row('first digit packet to new prompt, p50', quantile(times, .5), 'ms', 'digit', note)
    row('first digit packet to new prompt, max', times[-1] if times else float('nan'), 'ms', 'digit')


def answer(args):
    with Server(args) as server:
        found = probe(server, 'media_probe.py', '--ext', '2000', '--calls', '10', '--seconds', '2')
    times = sorted(found['setup_ms'])
    row('answer time on an idle switch, p50', quantile(times, .5), 'ms', 'answer')
    row('answer time on an idle switch, max', times[-1] if times else float('nan'), 'ms', 'answer')


def strangers(server, count, sources):
    found = probe(server, 'strangers.py', '--count', str(count), '--sources', str(sources))
    if found['sent'] != count:
        sys.exit(f'strangers.py sent {found["sent"]} of {count}')


def unproven(args):
    """INVITEs of strangers, each answered 401: what one costs, and whether it matters how many strangers there are."""
    few, many = 1000, 50000 if args.quick else 1000000
    cost = {}
    changes = (('strowger.yaml', r'from: 127\.0\.0\.0/8', 'from: 127.0.0.1'), ('users.yaml', r'users:\n', 'users:\n  guest:\n    register: true\n'))
    for sources in (few, many):
        count = max(sources, 50000 if args.quick else 200000)
        with Server(args, *changes) as server:
            strangers(server, 2000, few)
            before, memory, answered = server.cpu(), server.memory(), server.dropped()
            strangers(server, count, sources)
            time.sleep(1)
            cost[sources] = (server.cpu() - before) * 1e6 / count
            note = f'{count} requests at 20,000/s, {server.dropped() - answered} dropped; memory {server.memory() - memory:+} kB'
        row(f'rejected INVITE, {sources} strangers', cost[sources], 'CPU-us', 'unproven', note)
    row('the same, many to few strangers', cost[many] / cost[few], 'x', 'unproven, many')


def register(args):
    """REGISTER, 401, REGISTER with digest, 200: what a registration costs, and what is kept of it when all else is forgotten."""
    count = 1000 if args.quick else 10000
    users = ''.join(f'  u{n}:\n    register: true\n' for n in range(count))
    with Server(args, ('users.yaml', r'users:\n', 'users:\n' + users)) as server:
        before = server.cpu()
        found = probe(server, 'register_probe.py', '--passwords', os.path.join(server.folder, 'config', 'data', 'passwords'))
        spent = server.cpu() - before
        note = f'{found["ok"]} of {count} registered in {found["seconds"]} s'
        row('REGISTER with digest, twice asked', spent * 1000 / count, 'CPU-ms', 'register', note)
        row('memory right after', (server.memory() - server.idle) * 1024 / count, 'bytes each', 'register')
        # The transactions linger for RFC 3261's 32 s.
        time.sleep(40)
        row('memory of a binding', (server.memory() - server.idle) * 1024 / count, 'bytes each', 'register')


def overload(args):
    """So many calls at once as `calls.max` lets in, offered more: how many of those that fit are served to their end."""
    most, held = 400, 1.0
    capacity, seconds = most / held, 6 if args.quick else 15
    for times in (1, 2, 5):
        rate = int(capacity * times)
        with Server(args, ('strowger.yaml', r'max: \d+', f'max: {most}')) as server:
            with Sipp('uac_overload.xml', '-s', '2000', server.target, '-mi', '127.0.0.1', '-r', str(rate), '-m', str(rate * (seconds + 3)),
                      '-l', '20000', '-d', str(int(held * 1000))) as sipp:
                # The calls of the first second ended, and all that come are alike from then on.
                time.sleep(held + 1.5)
                begin, start, spent = sipp.figures(), time.monotonic(), server.cpu()
                time.sleep(seconds)
                end, took, spent = sipp.figures(), time.monotonic() - start, server.cpu() - spent
                figures = sipp.wait(60)
        served, refused = (e - b for b, e in zip(begin['counted'], end['counted']))
        note = f'{served:.0f} served, {refused:.0f} refused in {took:.1f} s, {figures["failed"]} failed in all; {spent * 1000 / max(1, served):.2f} CPU-ms a call served'
        row(f'goodput at {times} x {capacity:.0f} calls/s', 100 * served / took / capacity, '% of it', 'goodput, 5x' if times == 5 else 'goodput', note)


def mixed(server, calls):
    """`calls` calls of three kinds at once: answered and ended, with a prompt, bridged and recorded. Gives how many ended well."""
    kinds = ((2, '1000', 'uac_answer_bye.xml', 80), (2, '1001', 'uac_short_media.xml', 80), (1, '4002', 'uac_hold.xml', 40))
    with Sipp('uas_agent.xml', '-p', str(server.agent_port), '-mi', '127.0.0.1', '-mp', str(free_port(9000)), '-rtp_echo'):
        time.sleep(0.5)
        callers = []
        for place, (fifths, extension, scenario, rate) in enumerate(kinds):
            # Ports apart: a caller's are bound some time after they were found free.
            ports = ('-p', str(free_port(5091 + 100 * place)), '-mp', str(free_port(34000 + 1000 * place)))
            callers.append(Sipp(scenario, *ports, '-s', extension, server.target, '-mi', '127.0.0.1', '-d', '1000',
                                '-r', str(rate), '-l', '1000', '-m', str(calls * fifths // 5)))
        try:
            return sum(sipp.wait(calls / 200 * 2 + 60)['ok'] for sipp in callers)
        finally:
            for sipp in callers:
                sipp.__exit__()


def soak(args):
    first, calls = 1000, 5000 if args.quick else 50000
    # What a call leaves behind for RFC 3261's 32 s, and its ports for their rest.
    quiet = 45
    steps = (first, calls // 2, calls - calls // 2)
    with Server(args) as server:
        sent = ended = 0
        for step in steps:
            ended += mixed(server, step)
            sent += step
            time.sleep(quiet)
            note = f'{ended} of {sent} calls ended well, {server.records()} records'
            row(f'soak: memory after {sent} calls', server.memory(), 'kB', 'soak', note)
            row(f'soak: descriptors after {sent} calls', server.descriptors(), '', 'soak')
            row(f'soak: UDP sockets after {sent} calls', server.sockets(), '', 'soak')


def ivr(args):
    media('ivr', '2000', 'uac_ivr_hold.xml')(args)
    flows(args)


PARTS = {
    'signalling': signalling,
    'answer': answer,
    'digit': digit,
    'spacing': spacing,
    'short': short,
    'ivr': ivr,
    'routing': routing,
    'recorded': media('recorded', '3000', 'uac_ivr_hold.xml'),
    'bridge': media('bridge', '4000', 'uac_hold.xml'),
    'recorded-bridge': media('recorded-bridge', '4002', 'uac_hold.xml'),
    'unproven': unproven,
    'register': register,
    'overload': overload,
    'soak': soak,
}
# Long, and only of use when it runs alone: to be asked for.
LONG = {'soak'}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('parts', nargs='*', metavar='PART')
    parser.add_argument('--binary', required=True)
    parser.add_argument('--config', required=True)
    parser.add_argument('--generator', required=True, help='the load generator for TLS (tests/examples/signal.rs), built')
    parser.add_argument('--callers', required=True, help='callers in flows on a virtual clock (tests/examples/callers.rs), built')
    parser.add_argument('--decisions', required=True, help='decisions of queues on a virtual clock (tests/examples/decisions.rs), built')
    parser.add_argument('--asked', required=True, help='decisions of plugins (tests/examples/asked.rs), built')
    parser.add_argument('--floor', required=True, help='what a bridge costs the kernel alone (tests/examples/floor.rs), built')
    parser.add_argument('--quick', action='store_true', help='fewer and shorter steps')
    parser.add_argument('--counts', default=None, help='calls held at once, such as 100,300,600')
    args = parser.parse_args()
    args.counts = [int(n) for n in (args.counts or ('100' if args.quick else '100,300,600')).split(',')]
    unknown = set(args.parts) - set(PARTS)
    if unknown:
        parser.error(f'no such part: {", ".join(sorted(unknown))}; parts: {" ".join(PARTS)}')
    print(f'{"figure":<34} {"measured":>9} {"unit":<14} {"aim":<8}{"":<8} peers (same scenarios, two vCPUs of this kind)')
    for name in PARTS:
        if name in args.parts or (not args.parts and name not in LONG):
            PARTS[name](args)


if __name__ == '__main__':
    main()
