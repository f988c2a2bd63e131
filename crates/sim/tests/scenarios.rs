//! Every scenario file in `scenarios/` holds.
#![allow(clippy::unwrap_used, clippy::panic, reason = "this is test code")]

use std::path::PathBuf;

use sim::Scenario;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

fn read(name: &str) -> Scenario {
    let path = folder().join(format!("{name}.yaml"));
    Scenario::from_bytes(&format!("{name}.yaml"), &std::fs::read(path).unwrap())
        .unwrap_or_else(|faults| panic!("{faults}"))
}

fn holds(name: &str) {
    let played = read(name).play(true);
    if played.breaches.is_empty() {
        return;
    }
    let told: Vec<String> = played.told.iter().map(ToString::to_string).collect();
    let breaches: Vec<String> = played.breaches.iter().map(ToString::to_string).collect();
    panic!("{}\n{}", told.join("\n"), breaches.join("\n"));
}

/// One test a file, and one that no file is forgotten.
macro_rules! scenarios {
    ($($test:ident $file:literal,)*) => {
        $(
            #[test]
            fn $test() {
                holds($file);
            }
        )*

        #[test]
        fn every_file_is_played() {
            let mut files: Vec<String> = std::fs::read_dir(folder())
                .unwrap()
                .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
                .collect();
            files.sort();
            let mut played = [$($file),*];
            played.sort_unstable();
            assert_eq!(files, played);
        }
    };
}

scenarios! {
    a_network_speaks_and_sends_the_call_on "a-network-speaks-and-sends-the-call-on",
    a_refresh_crosses_the_hang_up "a-refresh-crosses-the-hang-up",
    an_early_update_crosses_the_answer "an-early-update-crosses-the-answer",
    a_pick_up_crosses_the_answer "a-pick-up-crosses-the-answer",
    a_transfer_crosses_the_callers_hang_up "a-transfer-crosses-the-callers-hang-up",
    an_agent_sends_her_caller_on "an-agent-sends-her-caller-on",
    two_calls_become_one_as_one_hangs_up "two-calls-become-one-as-one-hangs-up",
    an_only_phone_says_bye_while_it_rings "an-only-phone-says-bye-while-it-rings",
    agent_answers_as_the_caller_hangs_up "agent-answers-as-the-caller-hangs-up",
    both_hold_and_the_agent_is_let_go "both-hold-and-the-agent-is-let-go",
    both_hang_up_at_once "both-hang-up-at-once",
    cancel_crosses_the_answer "cancel-crosses-the-answer",
    everybody_declines "everybody-declines",
    late_answer_after_a_cancel "late-answer-after-a-cancel",
    loss_and_disorder "loss-and-disorder",
    no_port_for_the_agent "no-port-for-the-agent",
    registration_ends_in_mid_call "registration-ends-in-mid-call",
    reinvite_crosses_bye "reinvite-crosses-bye",
    ring_time_out_crosses_the_answer "ring-time-out-crosses-the-answer",
    the_agents_phone_is_gone "the-agents-phone-is-gone",
    the_clock_jumps "the-clock-jumps",
    the_line_to_a_registered_phone_breaks "the-line-to-a-registered-phone-breaks",
    the_minutes_of_a_grant "the-minutes-of-a-grant",
    the_switch_is_killed "the-switch-is-killed",
}
