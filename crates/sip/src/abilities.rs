//! What we can do, said once: Allow, Supported, Accept and the checks of what a peer asks for all come from here.

use sip_message::Method;

use crate::StackConfig;

/// Makes [`ALLOW`] and [`is_served`] from one list.
macro_rules! served {
    ($first:ident $first_name:literal, $($method:ident $name:literal,)*) => {
        /// The methods that we serve, as our Allow says.
        pub(crate) const ALLOW: &str = concat!($first_name, $(", ", $name),*);

        /// True for a method that [`ALLOW`] names.
        pub(crate) const fn is_served(method: &Method) -> bool {
            matches!(method, Method::$first $(| Method::$method)*)
        }
    };
}

served! {
    Invite "INVITE",
    Ack "ACK",
    Bye "BYE",
    Cancel "CANCEL",
    Options "OPTIONS",
    Prack "PRACK",
    Info "INFO",
    Update "UPDATE",
    Refer "REFER",
    Message "MESSAGE",
    Subscribe "SUBSCRIBE",
    Register "REGISTER",
}

/// Reliable provisional responses (RFC 3262).
pub(crate) const RELIABLE: &str = "100rel";

/// Session timers (RFC 4028).
pub(crate) const TIMER: &str = "timer";

/// An extension that we know.
struct Extension {
    tag: &'static str,
    /// Whether we support it, by the settings.
    is_on: fn(&StackConfig) -> bool,
    /// Whether a request with this method may require it.
    fits: fn(&Method) -> bool,
    /// It stands in our Supported.
    told: bool,
}

/// All of them: also RFC 3891, RFC 4488 and, of a REGISTER alone, RFC 3327.
const EXTENSIONS: [Extension; 5] = [
    Extension { tag: "replaces", is_on: |_| true, fits: |method| matches!(method, Method::Invite), told: true },
    Extension { tag: "norefersub", is_on: |_| true, fits: |method| matches!(method, Method::Refer), told: true },
    Extension { tag: RELIABLE, is_on: |config| config.reliable, fits: |_| true, told: true },
    Extension { tag: TIMER, is_on: |config| config.session_timer.is_some(), fits: |_| true, told: true },
    Extension { tag: "path", is_on: |_| true, fits: |method| matches!(method, Method::Register), told: false },
];

/// The bodies that we read, as our Accept says.
pub(crate) const ACCEPT: &str = "application/sdp";
/// The bodies that an INFO may carry: digits, as some phones send them.
pub(crate) const ACCEPT_INFO: &str = "application/dtmf-relay, application/dtmf";

/// What can be subscribed to, as our Allow-Events says: the packages of [`Package`].
pub(crate) const ALLOW_EVENTS: &str = "dialog, message-summary";

/// The extensions that we support, as our Supported says.
pub(crate) fn supported(config: &StackConfig) -> Box<str> {
    let told = EXTENSIONS.iter().filter(|extension| extension.told && (extension.is_on)(config));
    told.map(|extension| extension.tag).collect::<Vec<_>>().join(", ").into()
}

/// What stands in Supported of the 200 to a REGISTER: what a registrar does, too (RFC 3327 section 5.3). `outbound` (RFC 5626) is
/// not there, as one flow of a phone is all that is kept of a contact.
pub(crate) fn supported_by_registrar(config: &StackConfig) -> String {
    let fits = |extension: &&Extension| extension.told || (extension.fits)(&Method::Register);
    let told = EXTENSIONS.iter().filter(fits).filter(|extension| (extension.is_on)(config));
    told.map(|extension| extension.tag).collect::<Vec<_>>().join(", ")
}

/// True for an extension that a request with this method may require.
pub(crate) fn supports(config: &StackConfig, method: &Method, tag: &str) -> bool {
    let found = EXTENSIONS.iter().find(|extension| extension.tag.eq_ignore_ascii_case(tag));
    found.is_some_and(|extension| (extension.is_on)(config) && (extension.fits)(method))
}
