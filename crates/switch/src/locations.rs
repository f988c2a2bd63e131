//! Where registered users are, kept over a restart: what changes leaves for storage, and what storage found comes back.

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use base::{Now, Pii};
use journal::{Carrier, Kind, Locations};
use sip::registrar::{Location, Registrar};
use sip::{Flow, Transport};

use crate::switch::Switch;

/// Users whose contacts changed, and what is on its way to storage.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Ordered, and each once however many of his contacts changed.
    users: BTreeSet<Arc<str>>,
    waiting: VecDeque<Locations>,
}

impl Changes {
    /// A user's contacts changed.
    pub fn note(&mut self, user: Arc<str>) {
        self.users.insert(user);
    }

    /// Looks at what has changed, once all has.
    pub fn collect(&mut self, now: Now, registrar: &Registrar) {
        while let Some(user) = self.users.pop_first() {
            let contacts = registrar.locations(now, &user).into_iter().map(to_keep).collect();
            self.waiting.push_back(Locations { user, contacts });
        }
    }

    pub fn poll(&mut self) -> Option<Locations> {
        self.waiting.pop_front()
    }
}

impl Switch {
    /// Takes over what [`Switch::poll_locations`] gave before a restart, `unreadable` lines aside: users are registered
    /// again for the time they had left, agents logged in. To be called at the start, before anything is handled.
    pub fn restore(&mut self, now: Now, left: Vec<Locations>, unreadable: u64) {
        let (mut contacts, mut left_out) = (0, 0);
        let mut changed = Changes::default();
        for Locations { user, contacts: kept } in left {
            for location in kept {
                if self.restore_one(now, &user, location) {
                    contacts += 1;
                } else {
                    left_out += 1;
                    changed.note(user.clone());
                }
            }
        }
        if contacts + left_out + unreadable > 0 {
            self.book.write_system(now, Kind::Restored { contacts, left_out, unreadable });
        }
        self.settle(now);
        // What came back whole is kept as it is.
        changed.collect(now, &self.desk.registrar);
        self.desk.changes = changed;
    }

    fn restore_one(&mut self, now: Now, user: &Arc<str>, kept: journal::Location) -> bool {
        let registers = self.config.registers(user);
        let contact = kept.contact.reveal().parse();
        match (registers, contact, flow_again(&self.listeners, &kept)) {
            (true, Ok(contact), Some(flow)) => {
                let journal::Location { q, ends, agent, path, nat, seen, call_id, cseq, .. } = kept;
                // A way that is not whole leads nowhere else; the phone's next REGISTER says it again.
                let path = path.iter().filter_map(|hop| hop.parse().ok()).collect();
                let location = Location { contact, q, flow, ends, agent, path, nat, seen, call_id, cseq };
                self.desk.registrar.restore(now, user, location)
            }
            _ => false,
        }
    }
}

/// The flow that a contact was registered on: by the listener with the same address, or, if that is gone, by the first of
/// its transport and family, which phones without a NAT before them can answer.
fn flow_again(listeners: &[sip::Listener], kept: &journal::Location) -> Option<Flow> {
    let transport = match kept.transport {
        Carrier::Udp => Transport::Udp,
        Carrier::Tcp => Transport::Tcp,
        Carrier::Tls => Transport::Tls,
        // It was a connection that is gone, and there is no other way.
        Carrier::Ws | Carrier::Wss => return None,
    };
    let (local, remote) = (kept.local, kept.remote);
    let alike =
        |listener: &sip::Listener| listener.transport == transport && listener.local.is_ipv4() == remote.is_ipv4();
    let same = |listener: &sip::Listener| {
        let bound = listener.local;
        alike(listener) && bound.port() == local.port() && (bound.ip() == local.ip() || bound.ip().is_unspecified())
    };
    let index = listeners.iter().position(same).or_else(|| listeners.iter().position(alike))?;
    let bound = listeners.get(index)?.local;
    let ip = if bound.ip().is_unspecified() { local.ip() } else { bound.ip() };
    let listener = u16::try_from(index).ok()?;
    Some(Flow { transport, connection: None, listener, local: SocketAddr::new(ip, bound.port()), remote })
}

fn to_keep(location: Location) -> journal::Location {
    let Location { contact, q, flow, ends, agent, path, nat, seen, call_id, cseq } = location;
    journal::Location {
        contact: Pii::new(contact.to_string()),
        q,
        transport: carrier(flow.transport),
        local: flow.local,
        remote: flow.remote,
        ends,
        agent,
        path: path.iter().map(ToString::to_string).collect(),
        nat,
        seen,
        call_id,
        cseq,
    }
}

pub(crate) const fn carrier(transport: Transport) -> Carrier {
    match transport {
        Transport::Udp => Carrier::Udp,
        Transport::Tcp => Carrier::Tcp,
        Transport::Tls => Carrier::Tls,
        Transport::Ws => Carrier::Ws,
        Transport::Wss => Carrier::Wss,
    }
}

#[cfg(test)]
mod tests {
    use base::Wall;

    use super::*;

    fn listener(transport: Transport, local: &str) -> sip::Listener {
        sip::Listener { transport, local: local.parse().unwrap(), advertised: None }
    }

    fn kept(transport: Carrier, local: &str, remote: &str) -> journal::Location {
        journal::Location {
            contact: Pii::new("sip:a@192.0.2.7".to_owned()),
            q: 1000,
            transport,
            local: local.parse().unwrap(),
            remote: remote.parse().unwrap(),
            ends: Wall::default(),
            agent: "".into(),
            path: Vec::new(),
            nat: false,
            seen: Wall::default(),
            call_id: "c".into(),
            cseq: 1,
        }
    }

    #[test]
    fn a_contact_goes_by_its_own_listener_wherever_that_stands_in_the_list_now() {
        let listeners = [
            listener(Transport::Tcp, "192.0.2.1:5060"),
            listener(Transport::Udp, "192.0.2.1:5070"),
            listener(Transport::Udp, "0.0.0.0:5060"),
            listener(Transport::Udp, "[2001:db8::1]:5060"),
        ];
        let way = |transport, local: &str, remote| {
            let flow = flow_again(&listeners, &kept(transport, local, remote))?;
            assert_eq!(flow.connection, None);
            Some((flow.listener, flow.local.to_string()))
        };
        let (udp, tcp, phone) = (Carrier::Udp, Carrier::Tcp, "192.0.2.7:5060");
        assert_eq!(way(udp, "192.0.2.1:5070", phone), Some((1, "192.0.2.1:5070".to_owned())));
        assert_eq!(way(udp, "192.0.2.9:5060", phone), Some((2, "192.0.2.9:5060".to_owned())), "bound to all");
        assert_eq!(way(tcp, "192.0.2.1:5060", phone), Some((0, "192.0.2.1:5060".to_owned())));
        assert_eq!(way(udp, "192.0.2.1:5999", phone), Some((1, "192.0.2.1:5070".to_owned())), "gone: the first alike");
        assert_eq!(way(udp, "[2001:db8::1]:5060", "[2001:db8::7]:5060").unwrap().0, 3);
        assert_eq!(way(tcp, "[2001:db8::1]:5060", "[2001:db8::7]:5060"), None, "no such listener");
    }
}
