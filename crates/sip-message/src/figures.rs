//! Numbers and addresses as text, without the general formatter, which takes several times as long: a message of ours has a
//! dozen of them.

use std::fmt;
use std::net::Ipv4Addr;

/// Writes `number` in decimal.
pub(crate) fn write_number(f: &mut fmt::Formatter<'_>, number: u32) -> fmt::Result {
    f.write_str(itoa::Buffer::new().format(number))
}

/// Writes `ip` in dotted form.
pub(crate) fn write_ipv4(f: &mut fmt::Formatter<'_>, ip: Ipv4Addr) -> fmt::Result {
    let mut text = [b'.'; 15];
    let mut length = 0;
    for (place, octet) in ip.octets().into_iter().enumerate() {
        length += usize::from(place > 0);
        let mut buffer = itoa::Buffer::new();
        let digits = buffer.format(octet).as_bytes();
        if let Some(room) = text.get_mut(length..length + digits.len()) {
            room.copy_from_slice(digits);
        }
        length += digits.len();
    }
    f.write_str(text.get(..length).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Ip(Ipv4Addr);

    impl fmt::Display for Ip {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_ipv4(f, self.0)
        }
    }

    #[test]
    fn addresses_are_written_as_the_standard_library_writes_them() {
        for octets in [[0, 0, 0, 0], [127, 0, 0, 1], [255, 255, 255, 255], [10, 200, 3, 99], [1, 22, 133, 4]] {
            let ip = Ipv4Addr::from(octets);
            assert_eq!(Ip(ip).to_string(), ip.to_string());
        }
    }
}
