//! Socket addresses between Rust's types and the system's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// Room for an address of either family, as the system calls want it.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) union RawAddr {
    pub(crate) v4: libc::sockaddr_in,
    pub(crate) v6: libc::sockaddr_in6,
    family: libc::sa_family_t,
}

impl RawAddr {
    /// The size of the room.
    pub(crate) const SIZE: libc::socklen_t = size_of::<Self>() as libc::socklen_t;

    /// An address of no family, to be written by the system.
    pub(crate) const fn empty() -> Self {
        Self {
            v6: libc::sockaddr_in6 {
                sin6_family: 0,
                sin6_port: 0,
                sin6_flowinfo: 0,
                sin6_addr: libc::in6_addr { s6_addr: [0; 16] },
                sin6_scope_id: 0,
            },
        }
    }

    /// The system's form of `address`, and how many octets of it count.
    pub(crate) fn new(address: SocketAddr) -> (Self, libc::socklen_t) {
        match address {
            SocketAddr::V4(v4) => {
                let mut raw = Self::empty();
                raw.v4 = libc::sockaddr_in {
                    sin_family: libc::AF_INET as libc::sa_family_t,
                    sin_port: v4.port().to_be(),
                    sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(v4.ip().octets()) },
                    sin_zero: [0; 8],
                };
                (raw, size_of::<libc::sockaddr_in>() as libc::socklen_t)
            }
            SocketAddr::V6(v6) => {
                let raw = Self {
                    v6: libc::sockaddr_in6 {
                        sin6_family: libc::AF_INET6 as libc::sa_family_t,
                        sin6_port: v6.port().to_be(),
                        sin6_flowinfo: v6.flowinfo(),
                        sin6_addr: libc::in6_addr { s6_addr: v6.ip().octets() },
                        sin6_scope_id: v6.scope_id(),
                    },
                };
                (raw, size_of::<libc::sockaddr_in6>() as libc::socklen_t)
            }
        }
    }

    /// The address that the system wrote; `None` if it is of neither IP family.
    #[allow(unsafe_code, reason = "a union is read by the family that the system wrote into it")]
    pub(crate) fn read(&self) -> Option<SocketAddr> {
        // SAFETY: every field is plain integers, valid for any bit pattern, and `empty` initialised all of them.
        unsafe {
            match i32::from(self.family) {
                libc::AF_INET => {
                    let ip = Ipv4Addr::from(self.v4.sin_addr.s_addr.to_ne_bytes());
                    Some(SocketAddr::V4(SocketAddrV4::new(ip, u16::from_be(self.v4.sin_port))))
                }
                libc::AF_INET6 => {
                    let ip = Ipv6Addr::from(self.v6.sin6_addr.s6_addr);
                    let port = u16::from_be(self.v6.sin6_port);
                    Some(SocketAddr::V6(SocketAddrV6::new(ip, port, 0, self.v6.sin6_scope_id)))
                }
                _ => None,
            }
        }
    }
}

/// An address of the IPv4 kind where the system showed it mapped into IPv6, so that one peer has one address.
pub(crate) fn unmapped(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// `address` as a socket of the family of `local` can send to it.
pub(crate) fn for_family_of(local: IpAddr, address: SocketAddr) -> SocketAddr {
    match (local, address.ip()) {
        (IpAddr::V6(_), IpAddr::V4(v4)) => SocketAddr::new(IpAddr::V6(v4.to_ipv6_mapped()), address.port()),
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_both_families_come_back() {
        for text in ["127.0.0.1:5060", "[::1]:5062", "[fe80::1]:9"] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(RawAddr::new(address).0.read(), Some(address));
        }
        assert_eq!(RawAddr::empty().read(), None);
    }

    #[test]
    fn a_mapped_address_is_the_ipv4_one() {
        assert_eq!(unmapped("[::ffff:127.0.0.1]:5".parse().unwrap()), "127.0.0.1:5".parse().unwrap());
        let six = for_family_of("::".parse().unwrap(), "127.0.0.1:5".parse().unwrap());
        assert_eq!(unmapped(six), "127.0.0.1:5".parse().unwrap());
    }
}
