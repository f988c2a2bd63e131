//! The layer table (README, "Map of the code") as data, and the rules of manifests that follow from it.

use std::collections::BTreeMap;

use super::{Fault, Tree};

/// One crate's place. It may depend on crates of lower layers, and on those of its own layer named in `beside`.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The crate's name, which is its folder's name under `crates/` or `tests/`.
    pub name: &'static str,
    /// 0 ground, 1 machines, 2 domain, 3 drivers, 4 programs.
    pub layer: u8,
    /// Crates of the same layer that it may depend on.
    pub beside: &'static [&'static str],
    /// Where set, the only crates of ours that it may depend on.
    pub only: Option<&'static [&'static str]>,
}

const fn place(name: &'static str, layer: u8, beside: &'static [&'static str]) -> Place {
    Place { name, layer, beside, only: None }
}

/// The layer table. Crates that are still to come stand in it already, so that their place is not found anew.
pub const TABLE: &[Place] = &[
    place("base", 0, &[]),
    place("sip-message", 0, &["base"]),
    place("sdp", 0, &["base", "rtp"]),
    place("rtp", 0, &["base"]),
    place("audio", 0, &["base"]),
    place("yaml", 0, &["base"]),
    place("sip", 1, &[]),
    place("leg", 1, &[]),
    // The routing contract is what plugins are written against: it must stand on next to nothing.
    Place { name: "routing", layer: 2, beside: &[], only: Some(&["base"]) },
    place("hours", 2, &[]),
    place("ivr", 2, &["hours"]),
    place("acd", 2, &["routing"]),
    place("journal", 2, &["routing"]),
    place("trace", 2, &[]),
    place("switch", 2, &["routing", "hours", "ivr", "acd", "journal"]),
    place("company", 2, &["routing", "hours", "ivr", "acd", "switch", "trace"]),
    place("phone", 2, &[]),
    place("workbench", 2, &["routing", "hours", "ivr"]),
    place("net", 3, &[]),
    place("fetch", 3, &[]),
    place("media", 3, &[]),
    place("plugins", 3, &["fetch"]),
    place("storage", 3, &[]),
    place("api", 3, &[]),
    place("speech", 3, &["fetch"]),
    place("sim", 4, &[]),
    place("strowger", 4, &["sim"]),
    place("tests", 4, &["sim", "strowger"]),
    place("fuzz", 4, &[]),
];

/// Dependencies of tests that may reach up: the machine's tests in `tests/` play in a world that is made of it.
const TESTED_WITH: &[(&str, &str)] = &[("switch", "sim")];

/// The last layer whose crates are machines: values without sockets, files, threads, clocks or randomness.
pub const LAST_MACHINE_LAYER: u8 = 2;

/// Crates of others that bring what a machine must not have, with what to use instead.
const FORBIDDEN_IN_MACHINES: &[(&str, &str)] = &[
    ("tokio", "machines are driven; a driver owns the runtime"),
    ("tokio-util", "machines are driven; a driver owns the runtime"),
    ("async-std", "machines are driven; a driver owns the runtime"),
    ("smol", "machines are driven; a driver owns the runtime"),
    ("futures", "machines are driven; a driver owns the runtime"),
    ("async-trait", "machines are driven; a driver owns the runtime"),
    ("mio", "sockets belong to drivers"),
    ("socket2", "sockets belong to drivers"),
    ("polling", "sockets belong to drivers"),
    ("io-uring", "sockets belong to drivers"),
    ("libc", "system calls belong to drivers"),
    ("nix", "system calls belong to drivers"),
    ("rustix", "system calls belong to drivers"),
    ("quinn", "transports belong to drivers"),
    ("hyper", "HTTP belongs to drivers"),
    ("reqwest", "HTTP belongs to drivers"),
    ("ureq", "HTTP belongs to drivers"),
    ("axum", "HTTP belongs to drivers"),
    ("rustls", "transports belong to drivers"),
    ("sqlx", "storage belongs to drivers"),
    ("rusqlite", "storage belongs to drivers"),
    ("tempfile", "files belong to drivers"),
    ("memmap2", "files belong to drivers"),
    ("crossbeam-channel", "queues between threads belong to drivers"),
    ("crossbeam", "queues between threads belong to drivers"),
    ("flume", "queues between threads belong to drivers"),
    ("rayon", "threads belong to drivers"),
    ("parking_lot", "machines are owned by one thread and need no lock"),
    ("dashmap", "machines share nothing with other threads"),
    ("getrandom", "use base::Rng, which the driver seeds"),
    ("rand", "use base::Rng, which the driver seeds"),
    ("fastrand", "use base::Rng, which the driver seeds"),
    ("uuid", "use base's ids, which the driver's seed makes"),
    ("ulid", "use base's ids, which the driver's seed makes"),
    ("chrono", "time is an argument (base::Now); chrono reads the clock"),
    ("time", "time is an argument (base::Now)"),
    ("quanta", "time is an argument (base::Now)"),
];

/// What a manifest says of its dependencies.
#[derive(Debug, Default)]
struct Manifest {
    normal: Vec<String>,
    dev: Vec<String>,
    inherits_lints: bool,
}

/// Faults of the manifests: unknown crates, a dependency upwards or sideways, a cycle, a forbidden crate, missing lints.
pub fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut edges: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, path, text) in tree.manifests() {
        let manifest = match parse(text) {
            Ok(manifest) => manifest,
            Err(error) => {
                faults.push(Fault::new(path, 0, format!("not a manifest: {error}")));
                continue;
            }
        };
        let Some(own) = TABLE.iter().find(|place| place.name == name) else {
            faults.push(Fault::new(path, 0, format!("crate `{name}` has no place in the layer table")));
            continue;
        };
        if !manifest.inherits_lints {
            faults.push(Fault::new(path, 0, "needs `[lints] workspace = true`"));
        }
        faults.extend(manifest.normal.iter().filter_map(|dep| judge(own, dep)).map(|why| Fault::new(path, 0, why)));
        // A test may use proptest or files, but must not reach up the layers either.
        let ours = manifest.dev.iter().filter(|dep| *dep != name && TABLE.iter().any(|place| place.name == *dep));
        let ours = ours.filter(|dep| !TESTED_WITH.contains(&(name, dep.as_str())));
        faults.extend(ours.filter_map(|dep| judge(own, dep)).map(|why| Fault::new(path, 0, why)));
        edges.insert(name, manifest.normal.into_iter().filter(|dep| TABLE.iter().any(|p| p.name == *dep)).collect());
    }
    faults.extend(cycle(&edges).map(|names| Fault::new("Cargo.toml", 0, format!("cycle of crates: {names}"))));
    faults
}

/// Why `own` may not depend on `dep`, if so.
fn judge(own: &Place, dep: &str) -> Option<String> {
    let name = own.name;
    let Some(other) = TABLE.iter().find(|place| place.name == dep) else {
        let (_, why) = FORBIDDEN_IN_MACHINES.iter().find(|(forbidden, _)| *forbidden == dep)?;
        return (own.layer <= LAST_MACHINE_LAYER)
            .then(|| format!("`{name}` (layer {}) may not depend on `{dep}`: {why}", own.layer));
    };
    if own.only.is_some_and(|only| !only.contains(&dep)) {
        return Some(format!("`{name}` may depend on {:?} alone, not on `{dep}`", own.only.unwrap_or_default()));
    }
    let fits = other.layer < own.layer || own.beside.contains(&dep);
    (!fits).then(|| format!("`{name}` (layer {}) may not depend on `{dep}` (layer {})", own.layer, other.layer))
}

fn parse(text: &str) -> Result<Manifest, toml::de::Error> {
    let table: toml::Table = text.parse()?;
    let mut manifest = Manifest::default();
    gather(&table, &mut manifest);
    let targets = table.get("target").and_then(toml::Value::as_table);
    for target in targets.into_iter().flat_map(|targets| targets.values()).filter_map(toml::Value::as_table) {
        gather(target, &mut manifest);
    }
    manifest.inherits_lints =
        table.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool) == Some(true);
    Ok(manifest)
}

fn gather(table: &toml::Table, manifest: &mut Manifest) {
    let names = |key: &str| {
        let section = table.get(key).and_then(toml::Value::as_table);
        // A renamed dependency (`x = { package = "tokio" }`) counts under its real name.
        section
            .into_iter()
            .flatten()
            .map(|(name, value)| value.get("package").and_then(toml::Value::as_str).unwrap_or(name).to_owned())
    };
    manifest.normal.extend(names("dependencies").chain(names("build-dependencies")));
    manifest.dev.extend(names("dev-dependencies"));
}

/// A cycle among the crates, as text. The table alone forbids one; this holds should the table itself go wrong.
fn cycle(edges: &BTreeMap<&str, Vec<String>>) -> Option<String> {
    let mut left = edges.clone();
    while !left.is_empty() {
        let names: Vec<&str> = left.keys().copied().collect();
        let before = left.len();
        left.retain(|_, deps| deps.iter().any(|dep| names.contains(&dep.as_str())));
        if left.len() == before {
            return Some(names.join(", "));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINTS: &str = "[lints]\nworkspace = true\n";

    fn faults(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, format!("{text}\n{LINTS}"))).collect();
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        check(&Tree::of(&files)).into_iter().map(|fault| fault.message).collect()
    }

    #[test]
    fn a_crate_may_depend_downwards() {
        assert!(
            faults(&[("crates/sip/Cargo.toml", "[dependencies]\nbase.workspace = true\nbytes = \"1\"")]).is_empty()
        );
    }

    #[test]
    fn a_dependency_upwards_is_a_fault() {
        let found = faults(&[("crates/sip/Cargo.toml", "[dependencies]\nswitch.workspace = true")]);
        assert_eq!(found, ["`sip` (layer 1) may not depend on `switch` (layer 2)"]);
    }

    #[test]
    fn drivers_do_not_depend_on_one_another() {
        let found = faults(&[("crates/media/Cargo.toml", "[dependencies]\nstorage.workspace = true")]);
        assert_eq!(found, ["`media` (layer 3) may not depend on `storage` (layer 3)"]);
    }

    #[test]
    fn a_test_dependency_upwards_is_a_fault_too() {
        let found = faults(&[("crates/rtp/Cargo.toml", "[dev-dependencies]\nleg.workspace = true\ntempfile = \"3\"")]);
        assert_eq!(found, ["`rtp` (layer 0) may not depend on `leg` (layer 1)"]);
    }

    #[test]
    fn the_switchs_tests_may_play_in_the_sim_and_nothing_else_of_it_may() {
        assert!(faults(&[("crates/switch/Cargo.toml", "[dev-dependencies]\nsim.workspace = true")]).is_empty());
        assert_eq!(faults(&[("crates/switch/Cargo.toml", "[dependencies]\nsim.workspace = true")]).len(), 1);
        assert_eq!(faults(&[("crates/acd/Cargo.toml", "[dev-dependencies]\nsim.workspace = true")]).len(), 1);
    }

    #[test]
    fn routing_stands_on_base_alone() {
        let found = faults(&[(
            "crates/routing/Cargo.toml",
            "[dependencies]\nbase = { path = \"../base\" }\nsdp.workspace = true",
        )]);
        assert_eq!(found, ["`routing` may depend on [\"base\"] alone, not on `sdp`"]);
    }

    #[test]
    fn a_machine_may_not_depend_on_tokio_even_renamed() {
        let found =
            faults(&[("crates/acd/Cargo.toml", "[dependencies]\nrt = { package = \"tokio\", version = \"1\" }")]);
        assert!(found[0].starts_with("`acd` (layer 2) may not depend on `tokio`"), "{found:?}");
    }

    #[test]
    fn a_dependency_of_one_platform_counts() {
        let found = faults(&[("crates/sdp/Cargo.toml", "[target.'cfg(unix)'.dependencies]\nlibc = \"0.2\"")]);
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn a_driver_may_depend_on_tokio() {
        assert!(faults(&[("crates/net/Cargo.toml", "[dependencies]\ntokio.workspace = true")]).is_empty());
    }

    #[test]
    fn a_crate_without_a_place_is_a_fault() {
        assert_eq!(faults(&[("crates/misc/Cargo.toml", "")]), ["crate `misc` has no place in the layer table"]);
    }

    #[test]
    fn a_crate_that_drops_the_lints_is_a_fault() {
        let found = check(&Tree::of(&[("crates/sdp/Cargo.toml", "[dependencies]")]));
        assert_eq!(found, [Fault::new("crates/sdp/Cargo.toml", 0, "needs `[lints] workspace = true`")]);
    }

    #[test]
    fn a_cycle_is_found() {
        let edges = BTreeMap::from([("a", vec!["b".to_owned()]), ("b", vec!["a".to_owned()]), ("c", vec![])]);
        assert_eq!(cycle(&edges).as_deref(), Some("a, b"));
    }

    #[test]
    fn the_table_itself_has_no_cycle_and_names_each_crate_once() {
        let edges: BTreeMap<_, _> = TABLE
            .iter()
            .map(|own| {
                let below = TABLE.iter().filter(|other| other.layer < own.layer || own.beside.contains(&other.name));
                (own.name, below.map(|other| other.name.to_owned()).collect())
            })
            .collect();
        assert_eq!(edges.len(), TABLE.len());
        assert_eq!(cycle(&edges), None);
    }
}
