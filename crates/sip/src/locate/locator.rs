//! All sites that are wanted: each is searched for, and again before its answer is too old.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use base::{Mono, Now, Rng, TimerToken, Timers, Wall};

use super::search::{Hosts, Outcome, Search};
use super::{Answer, Ask, Families, Fault, Hop, Question, Site};

/// However short an answer holds, it is asked for again no sooner.
const SHORTEST_TTL: Duration = Duration::from_secs(5);
/// However long an answer holds, it is asked for again by then.
const LONGEST_TTL: Duration = Duration::from_secs(3600);
/// The time after a first failure, which doubles with each.
const FIRST_RETRY: Duration = Duration::from_secs(5);
const LONGEST_RETRY: Duration = Duration::from_secs(300);
/// For how long an answer is used that the DNS does not renew (RFC 8767 5 has a day to three).
const LONGEST_STALE: Duration = Duration::from_secs(3 * 86_400);
/// A search that takes longer has failed, whatever still comes.
const SEARCH_TIME: Duration = Duration::from_secs(20);
/// Questions that are asked at once.
const MAX_ASKED: usize = 16;

/// What is known of where a site is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// Where requests can go; none if that is not known.
    pub hops: Vec<Hop>,
    /// Until when that holds; the time of the last answer if there are no hops.
    pub until: Wall,
    /// Why there is nothing newer, if the last search failed.
    pub fault: Option<Fault>,
}

/// Finds sites and keeps knowing where they are.
#[derive(Debug, Default)]
pub struct Locator {
    sites: BTreeMap<Site, State>,
    /// Questions that wait for an answer.
    asked: BTreeMap<u64, (Site, Question)>,
    /// Questions that wait to be asked.
    waiting: VecDeque<(u64, Site, Question)>,
    last: u64,
    timers: Timers<Site>,
}

#[derive(Debug)]
struct State {
    families: Families,
    located: Option<Located>,
    hosts: Hosts,
    /// Until when the hops may be used if nothing newer comes.
    stale: Option<Mono>,
    search: Option<Search>,
    failures: u32,
    timer: Option<TimerToken>,
}

impl Locator {
    /// From now on these sites are wanted, and no others. What is known of them stays.
    pub fn want(&mut self, now: Now, wanted: &BTreeMap<Site, Families>) {
        let gone = |(site, state): (&Site, &State)| (wanted.get(site) != Some(&state.families)).then(|| site.clone());
        let gone: Vec<Site> = self.sites.iter().filter_map(gone).collect();
        for site in gone {
            self.drop_questions(&site);
            if let Some(timer) = self.sites.remove(&site).and_then(|state| state.timer) {
                self.timers.cancel(timer);
            }
        }
        for (site, families) in wanted {
            if !self.sites.contains_key(site) {
                let (located, hosts, stale) = (None, Hosts::new(), None);
                let timer = Some(self.timers.set(now.monotonic, site.clone()));
                let state = State { families: *families, located, hosts, stale, search: None, failures: 0, timer };
                self.sites.insert(site.clone(), state);
            }
        }
    }

    /// Begins every search anew, as others are asked from now on. What is known stays until they have answered, also if
    /// they say nothing; what those still say who were asked before counts no more.
    pub fn renew(&mut self, now: Now) {
        self.asked.clear();
        self.waiting.clear();
        for (site, state) in &mut self.sites {
            (state.search, state.failures) = (None, 0);
            if let Some(timer) = state.timer.replace(self.timers.set(now.monotonic, site.clone())) {
                self.timers.cancel(timer);
            }
        }
    }

    /// Where a site is, once the first search for it is over.
    #[must_use]
    pub fn located(&self, site: &Site) -> Option<&Located> {
        self.sites.get(site)?.located.as_ref()
    }

    /// The next question that is to be asked now.
    pub fn poll_ask(&mut self) -> Option<Ask> {
        if self.asked.len() >= MAX_ASKED {
            return None;
        }
        let (id, site, question) = self.waiting.pop_front()?;
        self.asked.insert(id, (site, question.clone()));
        Some(Ask { id, question })
    }

    /// When to call [`Locator::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.timers.poll_timeout()
    }

    /// The answer to a question came, or will not. Gives the site whose search is over by that.
    pub fn handle_answer(&mut self, now: Now, id: u64, answer: Result<Answer, Fault>, rng: &mut Rng) -> Option<Site> {
        let (site, question) = self.asked.remove(&id)?;
        let search = self.sites.get_mut(&site)?.search.as_mut()?;
        match search.handle(&question, answer) {
            Ok(more) => {
                let is_over = search.is_over();
                self.ask(&site, more);
                if !is_over {
                    return None;
                }
                self.finish(now, &site, None, rng);
            }
            Err(fault) => self.finish(now, &site, Some(fault), rng),
        }
        Some(site)
    }

    /// Does what is due. Gives the sites whose searches took too long.
    pub fn handle_timeout(&mut self, now: Now, rng: &mut Rng) -> Vec<Site> {
        let mut over = Vec::new();
        while let Some(site) = self.timers.pop_due(now.monotonic) {
            let Some(state) = self.sites.get_mut(&site) else { continue };
            state.timer = None;
            if state.search.is_some() {
                self.finish(now, &site, Some(Fault::Silent), rng);
                over.push(site);
                continue;
            }
            let (search, questions) = Search::new(site.clone(), state.families);
            state.search = Some(search);
            state.timer = Some(self.timers.set(now.monotonic + SEARCH_TIME, site.clone()));
            self.ask(&site, questions);
        }
        over
    }

    fn ask(&mut self, site: &Site, questions: Vec<Question>) {
        for question in questions {
            self.last += 1;
            self.waiting.push_back((self.last, site.clone(), question));
        }
    }

    /// What still comes for a site counts no more.
    fn drop_questions(&mut self, site: &Site) {
        self.waiting.retain(|(_, of, _)| of != site);
        self.asked.retain(|_, (of, _)| of != site);
    }

    fn finish(&mut self, now: Now, site: &Site, fault: Option<Fault>, rng: &mut Rng) {
        self.drop_questions(site);
        let Some(state) = self.sites.get_mut(site) else { return };
        let Some(search) = state.search.take() else { return };
        let outcome = match fault {
            Some(fault) => Err(fault),
            None => search.finish(state.may_be_used(now).then_some(&state.hosts)),
        };
        let again = match outcome {
            Ok(outcome) => state.found(now, outcome, rng),
            Err(fault) => state.failed(now, fault, rng),
        };
        if let Some(timer) = state.timer.replace(self.timers.set(now.monotonic + again, site.clone())) {
            self.timers.cancel(timer);
        }
    }
}

impl State {
    /// Takes what was found; gives the time until the next search.
    fn found(&mut self, now: Now, outcome: Outcome, rng: &mut Rng) -> Duration {
        let Outcome { hops, hosts, ttl, fault } = outcome;
        let ttl = ttl.clamp(SHORTEST_TTL, LONGEST_TTL);
        self.hosts = hosts;
        if fault.is_some() {
            // Some of it is not renewed: it is as old as it was.
            let until = self.located.as_ref().filter(|before| !before.hops.is_empty()).map(|before| before.until);
            self.located = Some(Located { hops, until: until.unwrap_or(now.wall + ttl), fault });
            self.stale.get_or_insert(now.monotonic + ttl + LONGEST_STALE);
            return self.back_off(rng);
        }
        self.located = Some(Located { hops, until: now.wall + ttl, fault });
        self.stale = Some(now.monotonic + ttl + LONGEST_STALE);
        self.failures = 0;
        // Before it is too old.
        (ttl * 9 / 10).max(SHORTEST_TTL)
    }

    /// Keeps what was known, unless the DNS says that it is over; gives the time until the next search.
    fn failed(&mut self, now: Now, fault: Fault, rng: &mut Rng) -> Duration {
        let usable = !fault.is_answer() && self.may_be_used(now);
        let kept = self.located.take().filter(|_| usable);
        if kept.is_none() {
            self.hosts.clear();
            self.stale = None;
        }
        let none = Located { hops: Vec::new(), until: now.wall, fault: None };
        self.located = Some(Located { fault: Some(fault), ..kept.unwrap_or(none) });
        self.back_off(rng)
    }

    /// True unless what is known is too old to be used.
    fn may_be_used(&self, now: Now) -> bool {
        self.stale.is_some_and(|end| now.monotonic < end)
    }

    fn back_off(&mut self, rng: &mut Rng) -> Duration {
        let doubled = FIRST_RETRY.saturating_mul(1 << self.failures.min(10)).min(LONGEST_RETRY);
        self.failures = self.failures.saturating_add(1);
        // Half of it to all of it, so that many do not ask at once.
        doubled * (50 + rng.below(51)) / 100
    }
}
