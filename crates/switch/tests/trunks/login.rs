//! The far end asks who calls (RFC 3261 22, RFC 7616): it is answered in the trunk's realm, and told of where it is not.

use journal::LoginFault;

use super::*;

fn faults(scene: &Scene) -> Vec<(LoginFault, String)> {
    scene.told(|kind| match kind {
        Kind::LoginFailed { why, realm, .. } => Some((*why, realm.clone())),
        _ => None,
    })
}

#[test]
fn a_trunk_that_asks_for_a_password_is_answered_and_the_call_goes_through() {
    let mut s = Scene::of(with(Trunk { login: Some(login(REALM)), ..trunk("carrier", CARRIER) }));
    for _ in 0..2 {
        s.dial();
        assert!(s.saw(s.carrier, &Seen::Rings));
        s.answer();
        assert!(s.saw(s.ada, &Seen::Answered));
        s.hang_up(s.ada);
        assert!(s.saw(s.carrier, &Seen::Ended));
    }
    s.end();
    assert_eq!(faults(&s), []);
}

#[test]
fn what_the_far_end_does_not_take_is_told_with_its_reason() {
    let none = trunk("carrier", CARRIER);
    let wrong = Login { secret: Secret::of("acct", REALM, "other"), ..login(REALM) };
    let cases = [
        (None, LoginFault::NoLogin),
        (Some(login("elsewhere.example")), LoginFault::OtherRealm),
        (Some(wrong), LoginFault::Refused),
    ];
    for (login, why) in cases {
        let mut s = Scene::of(with(Trunk { login, ..none.clone() }));
        s.dial();
        assert!(s.saw(s.ada, &Seen::Refused(503)), "{why:?}: {:?}", s.world.at(s.ada).seen);
        assert!(!s.saw(s.carrier, &Seen::Rings));
        assert_eq!(faults(&s), [(why, REALM.to_owned())]);
        let causes =
            s.told(|kind| if let Kind::LegEnded { cause, .. } = kind { Some(cause.to_string()) } else { None });
        assert!(causes.iter().any(|cause| cause == "challenged"), "{causes:?}");
        s.end();
    }
}

#[test]
fn another_configuration_has_another_password() {
    let with_login = |password: &str| {
        let login = Login { secret: Secret::of("acct", REALM, password), ..login(REALM) };
        with(Trunk { login: Some(login), ..trunk("carrier", CARRIER) })
    };
    let mut s = Scene::of(with_login("old"));
    s.dial();
    assert!(s.saw(s.ada, &Seen::Refused(503)));
    s.world.reconfigure(with_login("secret"));
    s.dial();
    assert!(s.saw(s.carrier, &Seen::Rings));
}
