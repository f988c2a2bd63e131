//! Arrows between columns.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::SocketAddr;

use base::Wall;

use crate::{Packet, Summary, View, mask, summary};

/// Columns of the terminal that a participant takes.
const WIDTH: usize = 28;
/// Columns before the first participant: the time.
const LEAD: usize = 14;

/// A message and how often it went, each time with the same octets the same way.
struct Arrow<'a> {
    packet: &'a Packet,
    summary: Summary,
    times: usize,
}

/// Draws messages, which are in the order of their times: participants as columns, ours between the first peer and the
/// others; what was sent again is counted.
#[must_use]
pub fn ladder(packets: &[Packet]) -> String {
    let arrows = arrows(packets);
    let mut peers: Vec<SocketAddr> = Vec::new();
    for packet in packets {
        if !peers.contains(&packet.remote) {
            peers.push(packet.remote);
        }
    }
    let column = |peer: SocketAddr| match peers.iter().position(|known| *known == peer) {
        Some(0) | None => 0,
        Some(place) => place + 1,
    };
    let names = peers.iter().map(|peer| {
        let transport = packets.iter().find(|packet| packet.remote == *peer).map(|packet| &packet.transport);
        format!("{peer} {}", transport.map_or("", |transport| transport.as_str()))
    });
    let mut names: Vec<String> = names.collect();
    names.insert(names.len().min(1), "strowger".to_owned());
    let mut text = " ".repeat(LEAD);
    for name in &names {
        let _ = write!(text, "{name:^WIDTH$}");
    }
    text = text.trim_end().to_owned() + "\n";
    for arrow in &arrows {
        let (peer, ours) = (column(arrow.packet.remote), 1);
        let (from, to) = if arrow.packet.sent { (ours, peer) } else { (peer, ours) };
        let again = if arrow.times > 1 { format!(" ×{}", arrow.times) } else { String::new() };
        let lanes = lanes(names.len(), from, to, &format!("{}{again}", arrow.summary.what));
        let media = arrow.summary.media.as_deref().unwrap_or_default();
        let line = format!("{:<LEAD$}{lanes}  {media}", clock(arrow.packet.at));
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// A message as one line, as it comes.
#[must_use]
pub fn row(packet: &Packet) -> String {
    let Summary { what, media } = summary(&packet.octets.to_vec());
    let way = if packet.sent { "──▶" } else { "◀──" };
    let peer = format!("{} {}", packet.remote, packet.transport.as_str());
    let line = format!("{}  {way} {peer:<26}  {what:<28}  {}", clock(packet.at), media.unwrap_or_default());
    line.trim_end().to_owned() + "\n"
}

/// The messages whole, as far as `view` shows them.
#[must_use]
pub fn transcript(packets: &[Packet], view: View) -> String {
    let mut text = String::new();
    for packet in packets {
        let way = if packet.sent { "to" } else { "from" };
        let _ = writeln!(text, "--- {} {way} {} {}", packet.at, packet.remote, packet.transport.as_str());
        let octets = mask(&packet.octets.to_vec(), view);
        let shown = String::from_utf8_lossy(&octets);
        // What came must not steer the terminal that it is shown on.
        text.extend(shown.chars().filter(|c| *c != '\r').map(|c| if c == '\n' || !c.is_control() { c } else { '?' }));
        if !text.ends_with('\n') {
            text.push('\n');
        }
    }
    text
}

fn arrows(packets: &[Packet]) -> Vec<Arrow<'_>> {
    let mut arrows: Vec<Arrow<'_>> = Vec::new();
    let mut known: HashMap<(bool, SocketAddr, Vec<u8>), usize> = HashMap::new();
    for packet in packets {
        let octets = packet.octets.to_vec();
        let place = known.entry((packet.sent, packet.remote, octets)).or_insert_with_key(|(_, _, octets)| {
            arrows.push(Arrow { packet, summary: summary(octets), times: 0 });
            arrows.len() - 1
        });
        if let Some(arrow) = arrows.get_mut(*place) {
            arrow.times += 1;
        }
    }
    arrows
}

/// The columns with an arrow from one to another, and its words on it.
fn lanes(columns: usize, from: usize, to: usize, words: &str) -> String {
    let middle = |column: usize| column * WIDTH + WIDTH / 2;
    let mut cells = vec![' '; columns * WIDTH];
    for column in 0..columns {
        put(&mut cells, middle(column), '│');
    }
    let (left, right) = (middle(from.min(to)), middle(from.max(to)));
    (left + 1..right).for_each(|at| put(&mut cells, at, '─'));
    if to > from {
        put(&mut cells, right - 1, '▶');
    } else {
        put(&mut cells, left + 1, '◀');
    }
    let room = (right - left).saturating_sub(6);
    let words: Vec<char> = words.chars().collect();
    let cut = words.len() > room;
    let shown = words.iter().copied().take(if cut { room.saturating_sub(1) } else { room }).chain(cut.then_some('…'));
    let start = left + 3 + (room.saturating_sub(words.len())) / 2;
    shown.enumerate().for_each(|(place, c)| put(&mut cells, start + place, c));
    cells.into_iter().collect()
}

fn put(cells: &mut [char], at: usize, c: char) {
    if let Some(cell) = cells.get_mut(at) {
        *cell = c;
    }
}

/// The time of day in UTC.
fn clock(at: Wall) -> String {
    at.to_string().chars().skip(11).take(12).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use sip_message::Transport;

    use super::*;

    fn packet(at: i64, sent: bool, remote: &str, start: &str, method: &str) -> Packet {
        let text = format!(
            "{start}\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: 1\r\n\
             CSeq: 1 {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        );
        Packet {
            at: Wall::from_unix_micros(1_795_253_400_000_000 + at * 1000),
            sent,
            transport: Transport::Udp,
            local: "127.0.0.1:5060".parse().unwrap(),
            remote: remote.parse().unwrap(),
            octets: Bytes::from(text).into(),
        }
    }

    #[test]
    fn participants_are_columns_and_repeats_are_counted() {
        let (caller, agent) = ("127.0.0.1:5070", "127.0.0.1:5080");
        let drawn = ladder(&[
            packet(0, false, caller, "INVITE sip:b@h SIP/2.0", "INVITE"),
            packet(500, false, caller, "INVITE sip:b@h SIP/2.0", "INVITE"),
            packet(501, true, agent, "INVITE sip:c@h SIP/2.0", "INVITE"),
            packet(600, false, agent, "SIP/2.0 486 Busy Here and a reason that is far too long", "INVITE"),
            packet(601, true, caller, "SIP/2.0 486 Busy Here", "INVITE"),
        ]);
        let lines: Vec<&str> = drawn.lines().collect();
        assert_eq!(lines.len(), 5, "{drawn}");
        let place = |line: &str, what: &str| line.find(what).map(|at| line[..at].chars().count());
        let (caller_at, ours_at, agent_at) =
            (place(lines[0], caller), place(lines[0], "strowger"), place(lines[0], agent));
        assert!(caller_at < ours_at && ours_at < agent_at && caller_at.is_some(), "{drawn}");
        assert!(lines[1].starts_with("09:30:00.000") && lines[1].contains("INVITE ×2"), "{drawn}");
        assert!(lines[1].contains("▶│") && place(lines[1], "▶") < place(lines[2], "▶"), "{drawn}");
        assert!(lines[3].contains("│◀─") && lines[3].contains('…'), "{drawn}");
        assert!(lines[4].contains("486 Busy Here") && place(lines[4], "◀") < place(lines[3], "◀"), "{drawn}");
    }

    #[test]
    fn the_whole_message_is_shown_masked_and_steers_no_terminal() {
        let mut evil = packet(0, false, "127.0.0.1:5070", "BYE sip:secret@h SIP/2.0", "BYE");
        evil.octets = Bytes::from_static(b"BYE sip:secret@h SIP/2.0\r\nVia: \x1b[2J\r\n\r\n").into();
        let text = transcript(&[evil], View::Masked);
        assert!(text.contains("from 127.0.0.1:5070 UDP\nBYE sip:xxxxxx@h SIP/2.0\nVia: ?[2J\n"), "{text}");
    }

    #[test]
    fn nothing_draws_as_nothing_and_many_participants_have_each_a_column() {
        assert_eq!(ladder(&[]).trim(), "strowger");
        let packets: Vec<Packet> = (1..8)
            .map(|port| packet(port, true, &format!("127.0.0.1:{port}"), "OPTIONS sip:h SIP/2.0", "OPTIONS"))
            .collect();
        assert_eq!(ladder(&packets).lines().count(), 8);
    }
}
