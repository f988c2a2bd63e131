//! Networks of a test's own: a world and a home in it, with a NAT between them that the kernel makes (nftables).
//!
//! ```text
//!   world 203.0.113.1 ───────────── 203.0.113.2 │ masquerade │ 10.77.0.2 home
//! ```
//!
//! Who sends from 10.77.0.2 is seen in the world as 203.0.113.2, at a port that the NAT chose; nothing gets in that nobody
//! in there sent for.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsFd;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// The world's address.
pub const WORLD: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
/// The NAT's address in the world.
pub const NAT: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 2);
/// The home's own address.
pub const HOME: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);

/// A world and a home, which go when this is dropped.
#[derive(Debug)]
pub struct Networks {
    /// The network that the switch is in.
    pub world: Network,
    /// The network behind the NAT.
    pub home: Network,
}

/// A network namespace.
#[derive(Debug)]
pub struct Network(String);

impl Networks {
    /// Makes them. None where this system does not let us: without root, `ip`, `nft` or the kernel's NAT.
    pub fn make() -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let unique = format!("{}x{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let [world, home] = ["w", "h"].map(|side| format!("st{unique}{side}"));
        let both = Self { world: Network(world.clone()), home: Network(home.clone()) };
        let steps = [
            format!("ip netns add {world}"),
            format!("ip netns add {home}"),
            format!("ip -n {world} link add w0 type veth peer name h0 netns {home}"),
            format!("ip -n {world} link set lo up"),
            format!("ip -n {home} link set lo up"),
            format!("ip -n {world} addr add {WORLD}/24 dev w0"),
            format!("ip -n {world} link set w0 up"),
            format!("ip -n {home} addr add {NAT}/24 dev h0"),
            format!("ip -n {home} link set h0 up"),
            format!("ip -n {home} addr add {HOME}/32 dev lo"),
            format!("ip netns exec {home} nft add table ip nat"),
            format!("ip netns exec {home} nft add chain ip nat out {{ type nat hook postrouting priority 100 ; }}"),
            format!("ip netns exec {home} nft add rule ip nat out ip saddr {HOME} oif h0 masquerade random"),
            format!("ip netns exec {home} nft add chain ip nat in {{ type filter hook input priority 0 ; }}"),
            format!("ip netns exec {home} nft add rule ip nat in iif h0 ct state new drop"),
        ];
        for step in steps {
            if let Err(why) = run(&step) {
                println!("no networks of our own: {step}: {why}");
                return None;
            }
        }
        Some(both)
    }

    /// Has the NAT forget every way in, as one that was restarted.
    ///
    /// # Panics
    /// If it cannot.
    pub fn forget(&self) {
        let drop_all = "nft add rule ip nat in iif h0 udp dport 1-65535 drop";
        run(&format!("ip netns exec {} {drop_all}", self.home.0)).expect("a rule");
    }
}

impl Network {
    /// Does something in this network: sockets that are made and processes that are started stay in it.
    ///
    /// # Panics
    /// If that does, or the network is gone.
    pub fn within<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        let place = File::open(format!("/run/netns/{}", self.0)).expect("the namespace");
        std::thread::scope(|scope| {
            let thread = scope.spawn(move || {
                move_into_link_name_space(place.as_fd(), Some(LinkNameSpaceType::Network)).expect("moved");
                act()
            });
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = run(&format!("ip netns del {}", self.0));
    }
}

/// True for the NAT's address: what the world sees of the home.
pub fn is_nat(ip: IpAddr) -> bool {
    ip == IpAddr::V4(NAT)
}

fn run(line: &str) -> Result<(), String> {
    let mut words = line.split(' ');
    let mut command = Command::new(words.next().unwrap_or_default());
    let Output { status, stderr, .. } = command.args(words).output().map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&stderr).trim().to_owned()) }
}
