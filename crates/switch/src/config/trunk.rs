//! Trunks: peers that are known by their addresses or names, and what is agreed with each.

use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use sip::digest::{Login, Secret};
use sip::health::Watch;
use sip::locate::Site;

use super::{SrtpPolicy, TrunkName};
use crate::far_end::FarEnd;
use crate::numbers::NumberRules;

/// A peer that is known by its address: it sends calls, takes calls, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trunk {
    /// Its name in configuration, journal and CDRs.
    pub name: TrunkName,
    /// Calls from these addresses are this trunk's.
    pub sources: Vec<IpNet>,
    /// Calls from the addresses that these names lead to are this trunk's, too.
    pub source_names: Vec<Site>,
    /// Calls by connections whose other end has proven this name by a certificate are this trunk's, and no others; if there
    /// are `sources`, too, only from there. In lower case.
    pub certificate: Option<Box<str>>,
    /// Where calls through it go; none if it takes none.
    pub to: Option<FarEnd>,
    /// The name that its certificate must bear when calls go there under TLS; its own name or address if none.
    pub to_name: Option<Box<str>>,
    /// The number that calls through it show.
    pub caller_id: CallerId,
    /// Who we are to its far end, when that asks.
    pub login: Option<Login>,
    /// Those who come by it, or are called through it, may transfer.
    pub transfers: bool,
    /// Those who come by it may send messages to users.
    pub messages: bool,
    /// We register at its far end, which sends calls to where that says we are.
    pub register: Option<Register>,
    /// Who its far end must prove to be, for each call that it sends.
    pub authenticate: Option<Account>,
    /// How its far end is watched by OPTIONS, if it is.
    pub health: Option<Watch>,
    /// The trunk that calls go to when this one is down, busy (503) or silent (408). No trunk leads to itself by these.
    pub failover: Option<TrunkName>,
    /// How long its far end may say nothing at all to a call before that counts as silence; without it, as RFC 3261 has it.
    pub silence: Option<Duration>,
    /// Whether audio is encrypted with it, whatever the listener.
    pub srtp: Option<SrtpPolicy>,
    /// What it says of identities is believed, and it is told what is said of them in confidence (RFC 3325).
    pub trusted: bool,
    /// How it writes numbers.
    pub numbers: NumberRules,
    /// The most calls at once by it, in and out together.
    pub channels: Option<usize>,
    /// The most calls that may begin in a second, each way for itself; as many may begin at once after a second's rest.
    pub calls_per_second: Option<u32>,
}

/// How we register at the far end of a trunk, as the user of its login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    /// The user part of our contact: calls come for it, or for the number in their To.
    pub contact: Arc<str>,
    /// For how long at a time, if the far end grants it.
    pub expires: Duration,
}

/// A name that proves itself to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The name.
    pub user: Arc<str>,
    /// Its secret in our own realm.
    pub secret: Secret,
}

impl Trunk {
    /// A trunk that sends calls and takes none.
    #[must_use]
    pub fn incoming(name: &str, sources: Vec<IpNet>) -> Self {
        Self {
            name: name.into(),
            sources,
            source_names: Vec::new(),
            certificate: None,
            to: None,
            to_name: None,
            caller_id: CallerId::Anonymous,
            login: None,
            srtp: None,
            transfers: false,
            messages: false,
            register: None,
            authenticate: None,
            health: None,
            failover: None,
            silence: None,
            trusted: false,
            numbers: NumberRules::default(),
            channels: None,
            calls_per_second: None,
        }
    }
}

/// The number that a call to the outside shows as its caller's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CallerId {
    /// None.
    #[default]
    Anonymous,
    /// This one, whoever calls.
    Number(Arc<str>),
    /// The caller's own, if it is a number: as it came in, or his name as a user.
    Caller,
}
