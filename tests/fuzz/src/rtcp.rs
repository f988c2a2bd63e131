//! RTCP compounds.

use rtp::rtcp::{MAX_REPORT, Report, ReportBlock, Rtcp, SenderInfo, parse};

use crate::octets::Octets;

/// Reads a compound, and writes its reports again; builds one of any content and reads it back.
///
/// # Panics
/// If a promise of `rtp::rtcp` is broken.
pub fn rtcp(data: &[u8]) -> bool {
    what_is_written_reads_back(&mut Octets::of(data));
    let Ok(packets) = parse(data) else { return false };
    assert!(data.len().is_multiple_of(4), "packets are whole words");
    let packets: Vec<_> = packets.collect();
    assert!((1..=32).contains(&packets.len()) && packets.len() * 4 <= data.len());
    packets.iter().for_each(|packet| check(*packet, data.len()));
    true
}

fn check(packet: Rtcp<'_>, length: usize) {
    let blocks: Vec<_> = packet.blocks().collect();
    let Rtcp::Report { ssrc, sender, blocks: octets } = packet else { return assert!(blocks.is_empty()) };
    assert!(blocks.len() <= 31 && blocks.len() * 24 == octets.len() && octets.len() + 8 <= length);
    for block in blocks.into_iter().map(Some).chain([None]) {
        let report = Report { ssrc, sender, block, cname: "c", bye: false };
        let mut written = [0; MAX_REPORT];
        let size = report.write(&mut written).unwrap();
        let first = parse(&written[..size]).unwrap().next().unwrap();
        assert!(matches!(first, Rtcp::Report { ssrc: s, sender: i, .. } if (s, i) == (ssrc, sender)));
        assert_eq!(first.blocks().collect::<Vec<_>>(), Vec::from_iter(block));
    }
}

fn what_is_written_reads_back(octets: &mut Octets<'_>) {
    let ssrc = octets.u32();
    let sender = octets.flag().then(|| SenderInfo {
        ntp: octets.u64(),
        timestamp: octets.u32(),
        packets: octets.u32(),
        octets: octets.u32(),
    });
    let block = octets.flag().then(|| ReportBlock {
        ssrc: octets.u32(),
        fraction_lost: octets.byte(),
        lost: octets.u32().cast_signed(),
        highest: octets.u32(),
        jitter: octets.u32(),
        last_sr: octets.u32(),
        delay: octets.u32(),
    });
    let (bye, cname) = (octets.flag(), octets.text());
    let report = Report { ssrc, sender, block, cname: &cname, bye };
    let mut room = [0xff; MAX_REPORT];
    let Some(size) = report.write(&mut room) else { return assert!(cname.len() > 255, "MAX_REPORT is room enough") };
    assert!(report.write(&mut vec![0; size - 1]).is_none(), "one octet less is no room");
    assert!(room[size..].iter().all(|octet| *octet == 0xff), "nothing is written behind the end");
    let packets: Vec<_> = parse(&room[..size]).unwrap().collect();
    assert!(matches!(packets[0], Rtcp::Report { ssrc: s, sender: i, .. } if (s, i) == (ssrc, sender)));
    // A count that does not fit 24 bits stays at the limit.
    let block = block.map(|block| ReportBlock { lost: block.lost.clamp(-0x80_0000, 0x7f_ffff), ..block });
    assert_eq!(packets[0].blocks().collect::<Vec<_>>(), Vec::from_iter(block));
    assert_eq!(packets[1..], [&[Rtcp::Other][..], &vec![Rtcp::Bye; usize::from(bye)]].concat());
    let start = 8 + sender.map_or(0, |_| 20) + block.map_or(0, |_| 24);
    assert_eq!(&room[start + 8..][..2], [1, u8::try_from(cname.len()).unwrap()]);
    assert_eq!(&room[start + 10..][..cname.len()], cname.as_bytes());
}
