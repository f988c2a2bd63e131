//! Session descriptions, offers and answers.

use std::net::IpAddr;

use base::Rng;
use sdp::{Agreed, Description, Direction, Keys, Local, Media, Preferences, Security, answer, conclude, offer, parse};

/// Reads a description, takes it for an offer and for an answer.
///
/// # Panics
/// If a promise of `sdp` is broken.
pub fn sdp(data: &[u8]) -> bool {
    let Ok(description) = parse(data) else { return false };
    let printed = description.to_bytes();
    assert_eq!(parse(&printed).as_ref(), Ok(&description), "{printed:?}");
    assert!(description.repeats(&description));
    for address in ["198.51.100.1", "2001:db8::1"] {
        let local = Local { address: address.parse().unwrap(), port: 16_384, session_id: u64::MAX, version: 1 };
        let keys = Box::new(Keys::random(&mut Rng::from_number(1)));
        for security in [Security::Never, Security::Allowed(keys.clone()), Security::Required(keys)] {
            check_answer(&description, &local, security);
        }
        check_conclusion(&description, &local);
    }
    true
}

fn check_answer(offered: &Description, local: &Local, security: Security) {
    let (never, required) = (security == Security::Never, matches!(security, Security::Required(_)));
    let preferences = Preferences { security, ..Preferences::default() };
    let Ok((answered, agreed)) = answer(offered, local, &preferences) else { return };
    check_agreed(&agreed, local.address);
    assert!(if never { agreed.srtp.is_none() } else { agreed.srtp.is_some() || !required }, "{answered}");
    assert_eq!(answered.media().len(), offered.media().len());
    let mut open = None;
    for (ours, theirs) in answered.media().iter().zip(offered.media()) {
        let same = |a: &str, b: &str| assert!(a.eq_ignore_ascii_case(b), "{answered} answers {offered}");
        same(ours.kind(), theirs.kind());
        same(ours.protocol(), theirs.protocol());
        if ours.port() == 0 {
            assert!(ours.formats().eq(theirs.formats()), "{answered} answers {offered}");
        } else {
            assert!(open.replace((ours, theirs)).is_none(), "one line is taken");
        }
    }
    let (ours, theirs) = open.expect("one line is taken");
    assert_eq!((ours.port(), theirs.port() != 0), (local.port, true));
    assert!(ours.formats().all(|format| offers(theirs, number(format))), "{answered} answers {offered}");
    let pts = [Some(agreed.send_pt), Some(agreed.receive_pt), agreed.dtmf_send_pt, agreed.dtmf_receive_pt];
    assert!(pts.into_iter().flatten().all(|pt| offers(theirs, pt.into())), "{agreed:?} of {offered}");
    let said = answered.direction(ours);
    assert_eq!(said, agreed.direction);
    assert!(is_within(said, offered.direction(theirs).reversed()), "{answered} answers {offered}");
    assert_eq!(parse(&answered.to_bytes()).as_ref(), Ok(&answered));
    if let Ok(concluded) = conclude(offered, &answered) {
        assert_eq!((concluded.codec, concluded.send_pt), (agreed.codec, agreed.receive_pt), "{answered} to {offered}");
        assert!(is_within(concluded.direction, agreed.direction.reversed()));
        assert_eq!(concluded.dtmf_send_pt.is_some(), agreed.dtmf_receive_pt.is_some());
        if let (Some(ours), Some(theirs)) = (agreed.srtp, concluded.srtp) {
            assert_eq!((ours.local, ours.remote), (theirs.remote, theirs.local), "{answered} to {offered}");
        }
    }
}

/// Takes `answered` for the answer to an offer of ours.
fn check_conclusion(answered: &Description, local: &Local) {
    let offered = offer(local, &Preferences::default());
    assert_eq!(parse(&offered.to_bytes()).as_ref(), Ok(&offered));
    let Ok(agreed) = conclude(&offered, answered) else { return };
    check_agreed(&agreed, local.address);
    let (ours, theirs) = (&offered.media()[0], &answered.media()[0]);
    assert_eq!(answered.media().len(), 1);
    let others = agreed.receive_other.map(|(pt, codec)| {
        assert_ne!(codec, agreed.codec);
        pt
    });
    let receive = [Some(agreed.receive_pt), others, agreed.dtmf_receive_pt];
    assert!(receive.into_iter().flatten().all(|pt| offers(ours, pt.into())), "{agreed:?}");
    let send = [Some(agreed.send_pt), agreed.dtmf_send_pt];
    assert!(send.into_iter().flatten().all(|pt| offers(theirs, pt.into())), "{agreed:?} of {answered}");
    assert!(is_within(agreed.direction, answered.direction(theirs).reversed()));
}

fn check_agreed(agreed: &Agreed, ours: IpAddr) {
    assert!(agreed.remote.is_some() || !agreed.direction.sends(), "nothing is sent to nobody");
    for remote in [agreed.remote, agreed.remote_rtcp].into_iter().flatten() {
        assert!(remote.port() != 0 && remote.is_ipv4() == ours.is_ipv4(), "{remote}");
        assert!(!remote.ip().is_multicast() && !remote.ip().is_unspecified(), "{remote}");
    }
    assert!(matches!(agreed.send_ptime_ms, 10 | 20 | 30 | 40 | 50 | 60));
    assert!(agreed.send_pt < 128 && agreed.receive_pt < 128);
}

/// True if `narrow` lets media flow only where `wide` does.
fn is_within(narrow: Direction, wide: Direction) -> bool {
    (wide.sends() || !narrow.sends()) && (wide.receives() || !narrow.receives())
}

fn offers(media: &Media, pt: u16) -> bool {
    media.formats().any(|format| number(format) == pt)
}

fn number(format: &str) -> u16 {
    format.parse().unwrap_or(u16::MAX)
}
