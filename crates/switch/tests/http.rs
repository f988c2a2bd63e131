//! A flow asks a web server: through the switch to its driver, and back.
#![allow(clippy::unwrap_used, clippy::panic, reason = "this is test code")]

mod common;

use std::sync::Arc;

use base::Pii;
use common::{SECOND, Scene};
use ivr::web::{Failure, Reply};
use journal::Kind;
use sim::company;
use switch::{Config, Destination, HttpOrder};
use yaml::{Faults, Source};

const FLOW: &str = "
version: 1
nodes:
  ask: {http: {get: \"https://crm.example/who\", query: {n: caller.number}, timeout: 20s, hear: welcome, take: {name: reply.name}, failed: bad}, next: good}
  good: {play: welcome, next: hangup}
  bad: {play: welcome, next: hangup}
";

fn scene() -> Scene {
    let faults = Faults::default();
    let flows = ivr::Flows::read([("main", &Source::new("main.yaml", FLOW))], &faults);
    let said: String = faults.into_sorted().iter().map(ToString::to_string).collect();
    let flows = flows.unwrap_or_else(|| panic!("{said}"));
    let numbers = [("1000".into(), Destination::Flow("main".into()))].into();
    Scene::of(Config { flows: Arc::new(flows), numbers, ..company() })
}

fn asked(scene: &mut Scene) -> u64 {
    match scene.world.switch.poll_http() {
        Some(HttpOrder::Ask { id, request }) => {
            assert_eq!(request.origin.to_string(), "https://crm.example");
            id
        }
        other => panic!("{other:?}"),
    }
}

fn answer(scene: &mut Scene, id: u64, body: &str) {
    let reply = Reply::Answer { status: 200, body: Pii::new(body.as_bytes().to_vec()) };
    scene.world.switch.handle_http(scene.world.now, id, reply);
    scene.world.run(SECOND / 10);
}

fn node(scene: &Scene) -> Arc<str> {
    scene.world.last(|kind| if let Kind::NodeEntered { node, .. } = kind { Some(node.clone()) } else { None })
}

fn journaled(scene: &Scene) -> (Option<u16>, u64, Option<Arc<str>>) {
    scene.world.last(|kind| match kind {
        Kind::Http { node, origin, method, status, ms, failure } => {
            assert_eq!((&**node, &**origin, &**method), ("ask", "https://crm.example", "GET"));
            Some((*status, *ms, failure.clone()))
        }
        _ => None,
    })
}

#[test]
fn an_answer_leads_on_and_the_journal_tells_how_long_it_took() {
    let mut scene = scene();
    scene.call("1000");
    let id = asked(&mut scene);
    scene.world.run(SECOND);
    answer(&mut scene, id, "{\"name\": \"Ada\"}");
    assert_eq!(&*node(&scene), "good");
    let (status, ms, failure) = journaled(&scene);
    assert_eq!((status, failure), (Some(200), None));
    assert!((1000..20_000).contains(&ms), "{ms}");
    assert_eq!(scene.world.switch.poll_http(), None);
}

#[test]
fn an_answer_that_is_late_is_given_up_and_counts_for_nothing() {
    let mut scene = scene();
    scene.call("1000");
    let id = asked(&mut scene);
    scene.world.run(21 * SECOND);
    assert_eq!(scene.world.switch.poll_http(), Some(HttpOrder::GiveUp { id }));
    assert_eq!(&*node(&scene), "bad");
    assert_eq!(journaled(&scene).2.as_deref(), Some(Failure::Timeout.word()));
    answer(&mut scene, id, "{\"name\": \"Ada\"}");
    assert_eq!(&*node(&scene), "bad");
}

#[test]
fn a_request_is_given_up_when_the_caller_hangs_up() {
    let mut scene = scene();
    scene.call("1000");
    let id = asked(&mut scene);
    scene.hang_up(scene.caller);
    assert_eq!(scene.world.switch.poll_http(), Some(HttpOrder::GiveUp { id }));
    answer(&mut scene, id, "{}");
    assert_eq!(scene.world.switch.poll_http(), None);
}
