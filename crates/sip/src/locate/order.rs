//! The order in which hops are tried (RFC 2782): by priority, and among those of one by chance in proportion to weight.

use std::net::SocketAddr;

use base::Rng;

use super::Hop;

/// All of `hops` in the order of one attempt; each attempt rolls anew. Of a host with several addresses those of IPv6 come
/// first (RFC 6724), and of one version by chance, so that each gets its share.
#[must_use]
pub fn order(hops: &[Hop], rng: &mut Rng) -> Vec<SocketAddr> {
    let mut left: Vec<Vec<&Hop>> = hosts(hops);
    left.sort_by_key(|host| host.first().map(|hop| hop.priority));
    let mut ordered = Vec::with_capacity(hops.len());
    while let Some(priority) = left.first().and_then(|host| host.first()).map(|hop| hop.priority) {
        let same = left.iter().take_while(|host| host.first().is_some_and(|hop| hop.priority == priority)).count();
        let mut equals: Vec<Vec<&Hop>> = left.drain(..same).collect();
        shuffle(&mut equals, rng);
        // Those without weight stand before the others (RFC 2782), so that they have a small chance, too.
        equals.sort_by_key(|host| weight(host) > 0);
        while !equals.is_empty() {
            let picked = pick(&equals, rng);
            let mut host = equals.remove(picked.min(equals.len() - 1));
            shuffle(&mut host, rng);
            host.sort_by_key(|hop| hop.address.is_ipv4());
            ordered.extend(host.iter().map(|hop| hop.address));
        }
    }
    ordered
}

/// The hops by record: those of one host and port that stand together.
fn hosts(hops: &[Hop]) -> Vec<Vec<&Hop>> {
    let same = |a: &Hop, b: &Hop| {
        (a.priority, a.weight, a.address.port(), &a.host) == (b.priority, b.weight, b.address.port(), &b.host)
    };
    hops.chunk_by(same).map(|hops| hops.iter().collect()).collect()
}

fn weight(host: &[&Hop]) -> u32 {
    host.first().map_or(0, |hop| u32::from(hop.weight))
}

/// The first whose running sum reaches a number between 0 and the sum of all.
fn pick(equals: &[Vec<&Hop>], rng: &mut Rng) -> usize {
    let sum: u32 = equals.iter().map(|host| weight(host)).sum();
    let number = rng.below(sum.saturating_add(1));
    let mut running = 0;
    let reaches = |host: &Vec<&Hop>| {
        running += weight(host);
        running >= number
    };
    equals.iter().position(reaches).unwrap_or(0)
}

/// Fisher and Yates.
fn shuffle<T>(values: &mut [T], rng: &mut Rng) {
    for last in (1..values.len()).rev() {
        let bound = u32::try_from(last + 1).unwrap_or(u32::MAX);
        values.swap(last, usize::try_from(rng.below(bound)).unwrap_or(0));
    }
}
