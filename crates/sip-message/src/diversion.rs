//! Diversion and History-Info: whom a call was for before it was sent on (RFC 5806, RFC 7044). Both say the same to us; RFC 7544
//! has the words of one for those of the other.

use crate::asserted::{BadIdentity, number_of, read};
use crate::{AnyUri, Head, HeaderName, NameAddr, PrivValue, Privacy, Reason, Uri, chars};

/// The most values of either that are read.
const MAX_VALUES: usize = 20;
/// The deepest index in History-Info that is read.
const MAX_DEPTH: usize = 20;

/// Why a call was sent on (RFC 5806 section 4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named as on the wire")]
pub enum DiversionReason {
    #[default]
    Unknown,
    UserBusy,
    NoAnswer,
    Unavailable,
    Unconditional,
    TimeOfDay,
    DoNotDisturb,
    Deflection,
    FollowMe,
    OutOfService,
    Away,
}

/// Each reason with its word, and its cause in History-Info (RFC 7544 section 7.4, RFC 4458). Of several with one cause, the first is
/// meant by it.
const REASONS: [(DiversionReason, &str, u16); 11] = [
    (DiversionReason::Unknown, "unknown", 404),
    (DiversionReason::UserBusy, "user-busy", 486),
    (DiversionReason::NoAnswer, "no-answer", 408),
    (DiversionReason::Unavailable, "unavailable", 503),
    (DiversionReason::Unconditional, "unconditional", 302),
    (DiversionReason::Deflection, "deflection", 480),
    (DiversionReason::TimeOfDay, "time-of-day", 404),
    (DiversionReason::DoNotDisturb, "do-not-disturb", 404),
    (DiversionReason::FollowMe, "follow-me", 404),
    (DiversionReason::OutOfService, "out-of-service", 404),
    (DiversionReason::Away, "away", 404),
];
/// Deflection while it rings, in History-Info.
const DEFLECTED_RINGING: u16 = 487;

impl DiversionReason {
    /// The word of RFC 5806.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        REASONS.iter().find(|(reason, ..)| *reason == self).map_or("unknown", |(_, word, _)| word)
    }

    /// The cause in History-Info.
    #[must_use]
    pub fn cause(self) -> u16 {
        REASONS.iter().find(|(reason, ..)| *reason == self).map_or(404, |(.., cause)| *cause)
    }

    /// Any other word is `unknown`: more may come.
    fn by_word(word: &str) -> Self {
        REASONS
            .iter()
            .find(|(_, name, _)| name.eq_ignore_ascii_case(word))
            .map_or(Self::Unknown, |(reason, ..)| *reason)
    }

    fn by_cause(cause: u16) -> Self {
        if cause == DEFLECTED_RINGING {
            return Self::Deflection;
        }
        REASONS.iter().find(|(.., own)| *own == cause).map_or(Self::Unknown, |(reason, ..)| *reason)
    }
}

/// Somebody whom a call was for, and who did not take it.
#[derive(Clone, PartialEq, Eq)]
pub struct Diverted {
    /// His number or name.
    pub number: String,
    /// Why the call went on.
    pub reason: DiversionReason,
    /// Nobody outside the trust domain may learn of him.
    pub private: bool,
}

/// Hides who.
impl std::fmt::Debug for Diverted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Diverted(••• {} private: {})", self.reason.as_str(), self.private)
    }
}

impl Diverted {
    /// Those whom a call was for, by its Diversion, the last one first.
    ///
    /// # Errors
    /// If one of its values is malformed, or there are too many: then none counts.
    pub fn by_diversion(head: &Head) -> Result<Vec<Self>, BadIdentity> {
        let mut found = Vec::new();
        for value in head.list(HeaderName::Diversion) {
            if found.len() == MAX_VALUES {
                return Err(BadIdentity::TooMany);
            }
            let address = read(value)?;
            let number = number_of(&address.uri).ok_or(BadIdentity::Malformed)?;
            let reason = address.params.value("reason").map(DiversionReason::by_word).unwrap_or_default();
            let private = address.params.value("privacy").is_some_and(|how| !how.eq_ignore_ascii_case("off"));
            found.push(Self { number, reason, private });
        }
        Ok(found)
    }

    /// The same by its History-Info.
    ///
    /// # Errors
    /// As [`Diverted::by_diversion`].
    pub fn by_history(head: &Head) -> Result<Vec<Self>, BadIdentity> {
        let mut entries = Vec::new();
        for value in head.list(HeaderName::HistoryInfo) {
            if entries.len() == MAX_VALUES {
                return Err(BadIdentity::TooMany);
            }
            entries.push(Entry::read(value)?);
        }
        let all_private = Privacy::of(head).has(PrivValue::History);
        let mut found: Vec<(&Entry, DiversionReason)> = Vec::new();
        for entry in entries.iter().rev() {
            // Who sent the call on to this one; or this one itself, if it says why it was left.
            let before = entry.cause.and_then(|cause| Some((entry.before(&entries)?, cause)));
            let own = entry.left_for.map(|cause| (entry, cause));
            for (who, cause) in before.into_iter().chain(own) {
                if !found.iter().any(|(other, _)| std::ptr::eq(*other, who)) {
                    found.push((who, DiversionReason::by_cause(cause)));
                }
            }
        }
        let told = |(entry, reason): (&Entry, DiversionReason)| {
            Some(Self { number: number_of(&entry.uri)?, reason, private: entry.private || all_private })
        };
        Ok(found.into_iter().filter_map(told).collect())
    }

    /// The value of a Diversion header field about him, by whom he is at `host`.
    #[must_use]
    pub fn diversion(&self, host: &Uri) -> String {
        let address = NameAddr::new(host.clone().with_user(&self.number));
        let privacy = if self.private { "full" } else { "off" };
        format!("{address};reason={};privacy={privacy};counter=1", self.reason.as_str())
    }

    /// The value of a History-Info header field: those whom a call was for, the last one first, as they are at `host`; and whom it is
    /// for now.
    #[must_use]
    pub fn history(diverted: &[Self], host: &Uri, target: &Uri) -> String {
        let (mut index, mut value) = (String::from("1"), String::new());
        let mut reason: Option<DiversionReason> = None;
        for one in diverted.iter().rev() {
            let uri = with_cause(host.clone().with_user(&one.number), reason);
            let hidden = if one.private { "?Privacy=history" } else { "" };
            let from = mapped(&index, reason);
            value += &format!("<{uri}{hidden}>;index={index}{from}, ");
            index += ".1";
            reason = Some(one.reason);
        }
        let uri = with_cause(target.clone(), reason);
        value + &format!("<{uri}>;index={index}{}", mapped(&index, reason))
    }
}

fn with_cause(uri: Uri, reason: Option<DiversionReason>) -> Uri {
    match reason {
        Some(reason) => uri.with_param("cause", Some(&reason.cause().to_string())),
        None => uri,
    }
}

/// That another user is meant than the one of the index above (RFC 7044 section 10.3).
fn mapped(index: &str, reason: Option<DiversionReason>) -> String {
    let above = index.strip_suffix(".1").filter(|_| reason.is_some());
    above.map(|above| format!(";mp={above}")).unwrap_or_default()
}

/// One value of History-Info.
struct Entry {
    uri: AnyUri,
    index: Vec<u16>,
    /// The index of who sent the call here.
    by: Option<Vec<u16>>,
    /// Why it was sent here (RFC 4458).
    cause: Option<u16>,
    /// Why it was sent on from here.
    left_for: Option<u16>,
    private: bool,
}

impl Entry {
    fn read(value: &str) -> Result<Self, BadIdentity> {
        let address = read(value)?;
        let index = address.params.value("index").and_then(index).ok_or(BadIdentity::Malformed)?;
        let by = ["rc", "mp", "np"].into_iter().find_map(|name| address.params.value(name)).and_then(self::index);
        let sip = address.uri.as_sip();
        let cause = sip.and_then(|uri| chars::number(&uri.param("cause")?));
        let header = |name: &str| {
            let (_, value) = sip?
                .raw_headers()
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .find(|(n, _)| n.eq_ignore_ascii_case(name))?;
            Some(chars::unescape(value).unwrap_or_else(|| value.to_owned()))
        };
        let left_for = header("Reason").and_then(|value| Reason::read(&value).sip);
        let hides = |privacy: Privacy| privacy.has(PrivValue::History) || privacy.hides_caller();
        let private = header("Privacy").is_some_and(|value| hides(Privacy::read(&value)));
        Ok(Self { index, by, cause, left_for, private, uri: address.uri })
    }

    /// Who sent the call here: whom it names; else the one above it in the tree.
    fn before<'a>(&self, all: &'a [Self]) -> Option<&'a Self> {
        let above = || self.index.split_last().map(|(_, above)| above.to_vec());
        let by = self.by.clone().or_else(above)?;
        all.iter().find(|entry| entry.index == by)
    }
}

/// `1.2.1`.
fn index(text: &str) -> Option<Vec<u16>> {
    let parts: Option<Vec<u16>> = text.split('.').map(chars::number).collect();
    parts.filter(|parts| parts.len() <= MAX_DEPTH)
}
