//! `trunks` of `strowger.yaml`: who may send calls without being a user.

use ipnet::IpNet;
use switch::Trunk;
use yaml::{Prefix, Shape, Value};

use crate::Notes;

const TRUNK: Shape = Shape { what: "a trunk", keys: &["from", "note"] };

/// A network with the trunk whose it is and where that stands.
struct Source<'a> {
    trunk: &'a str,
    net: IpNet,
    value: Value<'a>,
}

/// Every trunk of the map at `value`.
pub(crate) fn read(value: &Value<'_>, notes: &mut Notes) -> Vec<Trunk> {
    let mut trunks = Vec::new();
    let mut all: Vec<Source<'_>> = Vec::new();
    for (key, value) in value.entries("a map of trunks").unwrap_or_default() {
        let (Some(name), Some(map)) = (key.name(), value.map(&TRUNK)) else { continue };
        let _ = map.optional("note").map(|note| note.string());
        let from = map.required("from").map_or_else(Vec::new, |value| value.one_or_list());
        let mut sources = Vec::new();
        for value in from {
            let Some(net) = value.prefix().and_then(network) else { continue };
            compare(&all, name, net, &value, notes);
            all.push(Source { trunk: name, net, value });
            sources.push(net);
        }
        trunks.push(Trunk::incoming(name, sources));
    }
    trunks
}

fn network(prefix: Prefix) -> Option<IpNet> {
    IpNet::new(prefix.address, prefix.length).ok()
}

fn compare(all: &[Source<'_>], name: &str, net: IpNet, value: &Value<'_>, notes: &mut Notes) {
    if let Some(same) = all.iter().find(|other| other.net == net) {
        let line = same.value.place().span.line;
        value.fault(
            format!("`{net}` is given twice; first for trunk `{}` in line {line}", same.trunk),
            "keep one of them",
        );
        return;
    }
    if net.prefix_len() == 0 {
        notes.add(value.place(), format!("trunk `{name}` takes calls from any address"));
        return;
    }
    let overlap = |other: &&Source<'_>| other.trunk != name && (other.net.contains(&net) || net.contains(&other.net));
    if let Some(other) = all.iter().find(overlap) {
        let longer = if other.net.prefix_len() > net.prefix_len() { other.trunk } else { name };
        let shared = if longer == name { net } else { other.net };
        notes.add(value.place(), format!("calls from `{shared}` are of trunk `{longer}`: the longer prefix decides"));
    }
}
