#!/usr/bin/env python3
"""Measures the switch and prints the figures beside the aims and the peers'. Run through scripts/bench.

Each part starts the binary afresh on a copy of config/bench, with its data in a folder that is removed afterwards, loads it with
SIPp on loopback, and ends it. Everything is bounded in count and time. CPU is user + system time of all threads of the
server, over an interval in which all calls are up, divided by calls or call-seconds.

parts: signalling short ivr recorded bridge recorded-bridge spacing digit answer (default: all)
"""
import argparse
import csv
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TICKS = os.sysconf('SC_CLK_TCK')
TARGET = '127.0.0.1:5080'

# What the issue asks for, and what the peers measured with the same scenarios on two vCPUs of this kind.
AIMS = {
    'signalling': (0.12, 'Asterisk 1.9-2.3, FreeSWITCH 3.9-4.9, rsipstack (bare UAS) 0.19'),
    'rate': (None, 'Asterisk 500-600, FreeSWITCH 250, RustPBX 125-180'),
    'short': (None, 'Asterisk 5.6, FreeSWITCH 10.9'),
    'ivr': (0.25, 'Asterisk 2.0-2.2, FreeSWITCH 2.1, RustPBX 1.75-1.96; I/O alone 0.12'),
    'recorded': (0.35, 'Asterisk 4.1-4.35, FreeSWITCH 3.2-3.6'),
    'bridge': (0.45, 'Asterisk 2.1-2.7, FreeSWITCH 3.3-3.8, rtpengine (relay) 0.88-0.97; I/O alone 0.24'),
    'recorded-bridge': (None, 'Asterisk 5.7, RustPBX 2.3-2.5'),
    'memory': (40, 'Asterisk 170-190, FreeSWITCH 500-520, RustPBX 1,400 (IVR call)'),
    'spacing': (22, 'p99.9: Asterisk 20.4-37, FreeSWITCH 21.8 (SCHED_FIFO), RustPBX p99 21.0'),
    'digit': (25, 'from digit end: Asterisk 1.3-2.9, RustPBX 19'),
    'answer': (None, '-'),
}


class Server:
    """The release binary on a copy of the bench's configuration."""

    def __init__(self, args):
        self.folder = tempfile.mkdtemp(prefix='strowger-bench-')
        config = os.path.join(self.folder, 'config')
        shutil.copytree(args.config, config, ignore=shutil.ignore_patterns('data'))
        self.log = open(os.path.join(self.folder, 'log'), 'wb')
        self.process = subprocess.Popen([args.binary, 'run', '--config', config], stdout=subprocess.PIPE, stderr=self.log)
        for line in self.process.stdout:
            if line.strip() == b'ready':
                break
        else:
            sys.exit('the switch did not start: ' + open(self.log.name).read()[-2000:])
        time.sleep(0.5)
        self.idle = self.memory()

    def cpu(self):
        """CPU seconds so far."""
        with open(f'/proc/{self.process.pid}/stat') as f:
            fields = f.read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self):
        """Resident memory in kB."""
        with open(f'/proc/{self.process.pid}/status') as f:
            return int(re.search(r'VmRSS:\s*(\d+)', f.read()).group(1))

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
        command = ['sipp', '-sf', scenario, '-i', '127.0.0.1', '-nostdin', '-trace_stat', '-stf', self.stats, '-fd', '1', *options]
        if rtt:
            # SIPp names this file itself, in its working folder.
            for name in (scenario, 'caller10s.ul', 'dtmf1_pt101.pcap'):
                os.symlink(os.path.join(HERE, name), os.path.join(self.folder, name))
            command += ['-trace_rtt', '-rtt_freq', '1']
        self.process = subprocess.Popen(command, cwd=self.folder if rtt else HERE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

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
        row = rows[-1] if rows else {}
        number = lambda key: float(row.get(key) or 0)
        return dict(ok=int(number('SuccessfulCall(C)')), failed=int(number('FailedCall(C)')), calls=int(number('TotalCallCreated')),
                    current=int(number('CurrentCall')), retransmissions=int(number('Retransmissions(C)')), rate=number('CallRate(C)'))

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
    goal = '' if aim is None else f'<= {aim}'
    missed = '' if aim is None or value <= aim else ' MISSED'
    print(f'{name:<34} {value:>9.3f} {unit:<14} {goal:<8}{missed:<8} {peers}{"; " + note if note else ""}', flush=True)


def burst(extension, scenario, rate, calls, seconds):
    with Sipp(scenario, '-s', extension, TARGET, '-p', '5091', '-mp', '34000', '-r', str(rate), '-m', str(calls), '-l', '8000', rtt=True) as sipp:
        figures = sipp.wait(seconds)
        figures['times'] = sipp.response_times()
        return figures


def signalling(args):
    calls = 1000 if args.quick else 4000
    with Server(args) as server:
        burst('1000', 'uac_answer_bye.xml', 200, 200, 20)
        before = server.cpu()
        figures = burst('1000', 'uac_answer_bye.xml', 400, calls, 60)
        row('signalling call', (server.cpu() - before) * 1000 / calls, 'CPU-ms', 'signalling', f'{figures["failed"]} of {calls} failed')
        row('answer time at 400 calls/s, p50', quantile(figures['times'], .5), 'ms', 'answer')
        row('answer time at 400 calls/s, p99', quantile(figures['times'], .99), 'ms', 'answer')
    best, highest, step = None, 0, 500
    # Double until calls are lost, then halve the gap twice.
    rates = [400, 800] if args.quick else [500, 1000, 2000, 3000, 4000, 6000]
    good, bad = 0, None
    for _ in range(9):
        rate = next((r for r in rates if r > good), None) if bad is None else (good + bad) // 2
        if rate is None or (bad is not None and bad - good <= max(100, bad // 10)):
            break
        with Server(args) as server:
            before = server.cpu()
            seconds = 3 if args.quick else 6
            figures = burst('1000', 'uac_answer_bye.xml', rate, rate * seconds, seconds * 3 + 10)
            spent = (server.cpu() - before) * 1000 / max(1, figures['ok'])
        lost = rate * seconds - figures['ok']
        print(f'  at {rate} calls/s for {seconds} s: {figures["ok"]} ok, {lost} lost, {figures["retransmissions"]} retransmissions by SIPp, '
              f'p99 answer {quantile(figures["times"], .99):.1f} ms, {spent:.3f} CPU-ms a call', flush=True)
        if lost == 0:
            good = rate
        else:
            bad = rate
    row('highest rate without loss', good, 'calls/s', 'rate', 'SIPp shares the two cores' if bad else 'the highest tried')


def short(args):
    calls = 200 if args.quick else 1000
    with Server(args) as server:
        before = server.cpu()
        with Sipp('uac_short_media.xml', '-s', '1001', TARGET, '-p', '5091', '-mi', '127.0.0.1', '-mp', '34000', '-r', '50', '-m', str(calls), '-l', '2000') as sipp:
            figures = sipp.wait(calls / 50 + 40)
        row('answer, 2 s prompt, hang-up', (server.cpu() - before) * 1000 / calls, 'CPU-ms', 'short', f'{figures["failed"]} of {calls} failed')


def hold(args, extension, scenario, count, seconds):
    """`count` calls held; CPU over `seconds` in which all are up. Gives CPU-ms a call-second, kB a call, what failed."""
    ramp = count / 50
    held = (ramp + 2 + seconds + 2) * 1000
    agent = None
    with Server(args) as server:
        if scenario == 'uac_hold.xml':
            agent = Sipp('uas_agent.xml', '-p', '5090', '-mi', '127.0.0.1', '-mp', '9000', '-rtp_echo')
            time.sleep(0.5)
        try:
            with Sipp(scenario, '-s', extension, TARGET, '-mi', '127.0.0.1', '-p', '5091', '-mp', '34000', '-rtp_threadtasks', '125', '-r', '50',
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


def media(name, extension, scenario):
    def run(args):
        for count in args.counts:
            cpu, memory, note = hold(args, extension, scenario, count, 5 if args.quick else 12)
            row(f'{name}, {count} calls', cpu, 'CPU-ms/call-s', name, note)
            row(f'{name}, {count} calls, memory', memory, 'kB a call', 'memory')
    return run


def probe(script, *options):
    out = subprocess.run([sys.executable, os.path.join(HERE, script), '--target', TARGET, *options], capture_output=True, text=True, timeout=180)
    try:
        return json.loads(out.stdout)
    except ValueError:
        sys.exit(f'{script} failed: {out.stdout[-500:]}{out.stderr[-1500:]}')


def spacing(args):
    count = 100 if args.quick else 300
    seconds = 8 if args.quick else 30
    with Server(args):
        held = (count / 50 + seconds + 8) * 1000
        with Sipp('uac_ivr_hold.xml', '-s', '2000', TARGET, '-mi', '127.0.0.1', '-p', '5091', '-mp', '34000', '-rtp_threadtasks', '125', '-r', '50',
                  '-l', str(count), '-m', str(count), '-d', str(int(held))) as sipp:
            time.sleep(count / 50 + 4)
            found = probe('media_probe.py', '--ext', '2000', '--calls', '5', '--seconds', str(seconds), '--skip', '1')
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
    with Server(args):
        found = probe('digit_probe.py', '--ext', '2000', '--prompt', wav, '--calls', '5' if args.quick else '20')
    times = sorted(found['from_start_ms'])
    note = f'{len(times)} of {found["calls"]} calls'
    row('first digit packet to new prompt, p50', quantile(times, .5), 'ms', 'digit', note)
    row('first digit packet to new prompt, max', times[-1] if times else float('nan'), 'ms', 'digit')


def answer(args):
    with Server(args):
        found = probe('media_probe.py', '--ext', '2000', '--calls', '10', '--seconds', '2')
    times = sorted(found['setup_ms'])
    row('answer time on an idle switch, p50', quantile(times, .5), 'ms', 'answer')
    row('answer time on an idle switch, max', times[-1] if times else float('nan'), 'ms', 'answer')


PARTS = {
    'signalling': signalling,
    'answer': answer,
    'digit': digit,
    'spacing': spacing,
    'short': short,
    'ivr': media('ivr', '2000', 'uac_ivr_hold.xml'),
    'recorded': media('recorded', '3000', 'uac_ivr_hold.xml'),
    'bridge': media('bridge', '4000', 'uac_hold.xml'),
    'recorded-bridge': media('recorded-bridge', '4002', 'uac_hold.xml'),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('parts', nargs='*', metavar='PART')
    parser.add_argument('--binary', required=True)
    parser.add_argument('--config', required=True)
    parser.add_argument('--quick', action='store_true', help='fewer and shorter steps')
    parser.add_argument('--counts', default=None, help='calls held at once, such as 100,300,600')
    args = parser.parse_args()
    args.counts = [int(n) for n in (args.counts or ('100' if args.quick else '100,300,600')).split(',')]
    unknown = set(args.parts) - set(PARTS)
    if unknown:
        parser.error(f'no such part: {", ".join(sorted(unknown))}; parts: {" ".join(PARTS)}')
    print(f'{"figure":<34} {"measured":>9} {"unit":<14} {"aim":<8}{"":<8} peers (same scenarios, two vCPUs of this kind)')
    for name in PARTS:
        if not args.parts or name in args.parts:
            PARTS[name](args)


if __name__ == '__main__':
    main()
