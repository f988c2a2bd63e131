//! A session that is written down and read again goes on as if nothing had been.

mod support;

use std::sync::Arc;
use std::time::Duration;

use ivr::{ResumeError, Saved, Session};
use support::{Caller, flow, nodes};

const MAIN: &str = include_str!("flows/main.yaml");

#[test]
fn a_saved_session_goes_on_with_its_digits_and_its_time() {
    let flow = flow(MAIN);
    let (mut caller, _) = Caller::new(&flow);
    caller.presses("3123");
    assert_eq!(caller.passes(Duration::from_millis(500)), "");
    let text = serde_json::to_string(&caller.session.save(caller.now)).unwrap();
    assert!(text.len() < 400, "{} bytes", text.len());

    let saved: Saved = serde_json::from_str(&text).unwrap();
    let hash = flow.get("test").unwrap().hash().to_string();
    assert_eq!(saved.flows(), [ivr::SavedFlow { name: "test".to_owned(), hash }]);
    caller.now = caller.now.after(Duration::from_secs(3600));
    caller.session = Session::resume(Arc::clone(&flow), saved, caller.now).unwrap();
    assert_eq!(caller.session.node().map(|name| &**name), Some("ask-account"));
    assert_eq!(caller.passes(Duration::from_millis(1499)), "");
    assert_eq!(caller.presses("4"), "");
    assert!(caller.waits().1.starts_with("account=1234 @read-back"));
}

#[test]
fn a_saved_session_does_not_go_on_in_a_changed_flow() {
    let (caller, _) = Caller::new(&flow(MAIN));
    let saved = caller.session.save(caller.now);
    let changed = flow(&MAIN.replace("timeout: 5s", "timeout: 6s"));
    assert_eq!(Session::resume(changed, saved, caller.now).err(), Some(ResumeError::OtherFlow));
}

#[test]
fn a_saved_session_that_was_tampered_with_does_not_panic() {
    let flow = nodes("  a: {play: p, next: b}\n  b: {menu: {prompt: q, keys: {1: a}, exhausted: hangup}}");
    let (caller, _) = Caller::new(&flow);
    let text = serde_json::to_string(&caller.session.save(caller.now)).unwrap();
    for (good, bad) in
        [("\"node\":0", "\"node\":99"), ("\"playing\"", "\"waiting\""), ("\"round\":1", "\"round\":4294967295")]
    {
        assert!(text.contains(good), "{text}");
        let saved: Saved =
            serde_json::from_str(&text.replacen(good, bad, 1)).unwrap_or_else(|_| caller.session.save(caller.now));
        let mut other =
            Caller { session: Session::resume(Arc::clone(&flow), saved, caller.now).unwrap(), now: caller.now };
        other.hears_all();
        other.presses("1*#7");
        other.hears_all();
        other.passes(Duration::from_secs(60));
    }
}
