//! Our nonces, of which nothing is kept until one has proven a user; then, which counts came with it.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use base::{Mono, Rng, Timers, give_back};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::hash::hex;

/// The digits of a nonce that tell its time.
const TIME_DIGITS: usize = 16;

/// Makes and knows nonces: the time in hexadecimal, then a keyed hash over it and the source. The key is drawn at start and
/// never told; the time is the monotonic one, so that no jump of the wall clock harms a nonce.
pub(super) struct Nonces {
    /// With the key, and nothing hashed yet: begun once, since every nonce is made and known by a copy.
    keyed: Hmac<Sha256>,
    lifetime: Duration,
    max_proven: usize,
    /// Counts that came, by nonce; each leaves when its nonce ends.
    proven: HashMap<Nonce, Counts>,
    ends: Timers<Nonce>,
    /// Counts of nonces made up to here may have been forgotten for want of room: none of them is taken any more.
    floor: Option<Mono>,
}

/// One nonce of ours.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Nonce {
    made: Mono,
    source: SocketAddr,
}

/// The highest count that came, and which of the 64 up to it.
struct Counts {
    highest: u32,
    seen: u64,
}

impl Nonces {
    pub(super) fn new(rng: &mut Rng, lifetime: Duration, max_proven: usize) -> Self {
        let mut key = [0; 64];
        for chunk in key.chunks_exact_mut(8) {
            chunk.copy_from_slice(&rng.u64().to_be_bytes());
        }
        Self {
            keyed: Hmac::new(&key.into()),
            lifetime,
            max_proven: max_proven.max(1),
            proven: HashMap::new(),
            ends: Timers::default(),
            floor: None,
        }
    }

    /// A nonce for whoever sent from `source`.
    pub(super) fn make(&self, now: Mono, source: SocketAddr) -> String {
        self.text(Nonce { made: now, source })
    }

    fn text(&self, nonce: Nonce) -> String {
        let mut mac = self.keyed.clone();
        mac.update(&nonce.made.as_nanos().to_be_bytes());
        match nonce.source.ip() {
            IpAddr::V4(ip) => mac.update(&ip.octets()),
            IpAddr::V6(ip) => mac.update(&ip.octets()),
        }
        mac.update(&nonce.source.port().to_be_bytes());
        let mac = mac.finalize().into_bytes();
        let mut octets = [0; 24];
        let (time, proof) = octets.split_at_mut(8);
        time.copy_from_slice(&nonce.made.as_nanos().to_be_bytes());
        proof.copy_from_slice(mac.get(..16).unwrap_or(&[0; 16]));
        hex(&octets)
    }

    /// The nonce that `text` is, if it is ours, for this source, and has not ended.
    pub(super) fn read(&self, now: Mono, source: SocketAddr, text: &str) -> Option<Nonce> {
        let made = text.get(..TIME_DIGITS).and_then(|digits| u64::from_str_radix(digits, 16).ok());
        let nonce = Nonce { made: Mono::from_nanos(made.unwrap_or_default()), source };
        let ours = bool::from(self.text(nonce).as_bytes().ct_eq(text.as_bytes()));
        let live = nonce.made <= now && now.since(nonce.made) < self.lifetime;
        (ours && live).then_some(nonce)
    }

    /// Notes that `count` came with a nonce whose user has proven himself. False: it came before, may have, or is zero.
    pub(super) fn take(&mut self, now: Mono, nonce: Nonce, count: u32) -> bool {
        self.forget_ended(now);
        if let Some(counts) = self.proven.get_mut(&nonce) {
            return counts.take(count);
        }
        if self.floor.is_some_and(|floor| nonce.made <= floor) || count == 0 {
            return false;
        }
        if self.proven.len() >= self.max_proven
            && let Some(at) = self.ends.poll_timeout()
            && let Some(oldest) = self.ends.pop_due(at)
        {
            self.proven.remove(&oldest);
            self.floor = self.floor.max(Some(oldest.made));
            if nonce.made <= oldest.made {
                return false;
            }
        }
        self.proven.insert(nonce, Counts { highest: count, seen: 1 });
        self.ends.set(nonce.made + self.lifetime, nonce);
        true
    }

    pub(super) fn forget_ended(&mut self, now: Mono) {
        while let Some(nonce) = self.ends.pop_due(now) {
            self.proven.remove(&nonce);
        }
        give_back(&mut self.proven);
    }

    pub(super) fn poll_timeout(&self) -> Option<Mono> {
        self.ends.poll_timeout()
    }

    pub(super) fn len(&self) -> usize {
        self.proven.len()
    }
}

impl Counts {
    /// Requests may overtake each other on UDP: a count up to 63 below the highest is taken, once.
    fn take(&mut self, count: u32) -> bool {
        if count > self.highest {
            let shift = count - self.highest;
            self.seen = self.seen.checked_shl(shift).unwrap_or(0) | 1;
            self.highest = count;
            return true;
        }
        let bit = 1u64.checked_shl(self.highest - count).unwrap_or(0);
        let fresh = count > 0 && bit != 0 && self.seen & bit == 0;
        self.seen |= bit;
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_secs(300);

    fn source(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 7], port))
    }

    fn at(seconds: u64) -> Mono {
        Mono::ZERO + Duration::from_secs(seconds)
    }

    fn nonces(max: usize) -> Nonces {
        Nonces::new(&mut Rng::from_number(1), LIFE, max)
    }

    #[test]
    fn a_nonce_is_known_again_from_its_source_until_it_ends() {
        let nonces = nonces(10);
        let text = nonces.make(at(1), source(5060));
        assert!(nonces.read(at(300), source(5060), &text).is_some());
        assert!(nonces.read(at(301), source(5060), &text).is_none(), "ended");
        assert!(nonces.read(at(2), source(5061), &text).is_none(), "another port");
        assert!(nonces.read(at(0), source(5060), &text).is_none(), "from the future");
    }

    #[test]
    fn an_invented_or_changed_nonce_and_one_of_another_key_are_unknown() {
        let nonces = nonces(10);
        let text = nonces.make(at(1), source(5060));
        let later = format!("{:016x}{}", at(2).as_nanos(), &text[16..]);
        let foreign = Nonces::new(&mut Rng::from_number(2), LIFE, 1).make(at(1), source(5060));
        for invented in ["", "x", "ä", &text[..47], &format!("{text}0"), &text.to_uppercase(), &later, &foreign] {
            assert!(nonces.read(at(3), source(5060), invented).is_none(), "{invented}");
        }
    }

    #[test]
    fn each_count_is_taken_once_in_any_near_order() {
        let mut nonces = nonces(10);
        let nonce = Nonce { made: at(0), source: source(1) };
        let taken: Vec<bool> = [1, 1, 3, 2, 2, 3, 0, 100, 36, 37, 37].map(|n| nonces.take(at(1), nonce, n)).into();
        assert_eq!(taken, [true, false, true, true, false, false, false, true, false, true, false]);
    }

    #[test]
    fn a_count_is_not_forgotten_while_its_nonce_could_be_used() {
        let mut nonces = nonces(2);
        let nonce = |n: u16| Nonce { made: at(u64::from(n)), source: source(n) };
        assert!(nonces.take(at(5), nonce(1), 1) && nonces.take(at(5), nonce(2), 1) && nonces.take(at(5), nonce(3), 1));
        assert_eq!(nonces.len(), 2);
        assert!(!nonces.take(at(5), nonce(1), 1), "its count had to go, so the nonce did");
        assert!(!nonces.take(at(5), nonce(1), 2));
        assert!(nonces.take(at(5), nonce(3), 2));
    }

    #[test]
    fn counts_leave_when_their_nonce_ends() {
        let mut nonces = nonces(10);
        assert!(nonces.take(at(1), Nonce { made: at(1), source: source(1) }, 1));
        assert_eq!(nonces.poll_timeout(), Some(at(301)));
        nonces.forget_ended(at(301));
        assert_eq!((nonces.len(), nonces.poll_timeout()), (0, None));
    }
}
