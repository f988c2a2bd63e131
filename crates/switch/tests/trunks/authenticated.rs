//! A trunk that must prove itself, besides its address or in place of it.

use journal::Origin;

use super::*;

fn account() -> Account {
    Account { user: "peer".into(), secret: Secret::of("peer", "test", "open") }
}

/// A company with a trunk that must prove itself, from `sources`.
fn scene(sources: &[&str]) -> Scene {
    let sources = sources.iter().map(|net| net.parse().unwrap()).collect();
    let mut config = company();
    config.realm = "test".into();
    config.algorithms = vec![sip::digest::Algorithm::Sha256, sip::digest::Algorithm::Md5];
    config.trunks.push(Trunk { authenticate: Some(account()), ..Trunk::incoming("peer-trunk", sources) });
    Scene::of(config)
}

/// What comes of a call from `who` with that account, if it has one: the last thing seen.
fn call(s: &mut Scene, who: &str, account: Option<(&str, &str)>) -> Seen {
    let who = s.world.phone(who);
    if let Some((user, password)) = account {
        let account = sim::Account { user: user.into(), password: password.into() };
        s.world.at(who).set_account(account);
    }
    s.world.with_phone(who, |phone, now| phone.call(now, "+49301", "101"));
    s.world.run(SECOND);
    let seen = s.world.at(who).seen.clone();
    s.world.with_phone(s.ada, |phone, now| phone.refuse(now, 486));
    s.world.run(SECOND);
    seen.last().cloned().unwrap_or(Seen::Rings)
}

fn origins(s: &Scene) -> Vec<Origin> {
    s.told(|kind| if let Kind::CallBegan { origin, .. } = kind { Some(origin.clone()) } else { None })
}

const RIGHT: Option<(&str, &str)> = Some(("peer", "open"));

#[test]
fn without_an_address_its_password_alone_counts() {
    let mut s = scene(&[]);
    for who in ["127.0.0.8:5060", "127.0.0.9:5060"] {
        assert_eq!(call(&mut s, who, None), Seen::Refused(401), "{who}");
        assert_eq!(call(&mut s, who, Some(("peer", "guess"))), Seen::Refused(401), "{who}");
        call(&mut s, who, RIGHT);
    }
    assert_eq!(origins(&s), [Origin::Trunk("peer-trunk".into()), Origin::Trunk("peer-trunk".into())]);
    s.end();
}

#[test]
fn with_an_address_both_count() {
    let mut s = scene(&["127.0.0.8/32"]);
    assert_eq!(call(&mut s, "127.0.0.8:5060", None), Seen::Refused(401));
    assert_eq!(call(&mut s, "127.0.0.9:5060", RIGHT), Seen::Refused(403), "the right name at the wrong place");
    assert_eq!(origins(&s), []);
    call(&mut s, "127.0.0.8:5061", RIGHT);
    assert_eq!(origins(&s), [Origin::Trunk("peer-trunk".into())]);
    s.end();
}

#[test]
fn a_trunk_is_no_user() {
    let mut s = scene(&[]);
    let who = s.world.phone("127.0.0.8:5060");
    s.world.at(who).set_account(sim::Account { user: "peer".into(), password: "open".into() });
    s.world.with_phone(who, |phone, now| phone.register(now));
    s.world.run(SECOND);
    assert!(matches!(s.world.at(who).seen[..], [Seen::NotRegistered(401 | 403)]), "{:?}", s.world.at(who).seen);
}
