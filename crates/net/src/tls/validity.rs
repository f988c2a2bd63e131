//! From when to when a certificate holds (RFC 5280 §4.1.2.5). The TLS library checks that of others, and tells nobody; an
//! operator wants to know it of his own beforehand.

/// The tags of DER that stand on the way.
const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// The version, which a certificate of version 1 lacks.
const VERSION: u8 = 0xa0;

/// `notBefore` and `notAfter` in seconds since 1970; earlier ones count as its beginning.
pub(super) fn validity(certificate: &[u8]) -> Option<(u64, u64)> {
    let (_, whole, _) = element(certificate)?;
    let (_, mut signed, _) = element(whole)?;
    if signed.first() == Some(&VERSION) {
        signed = element(signed)?.2;
    }
    // The serial number, the algorithm of the signature, the issuer.
    for _ in 0..3 {
        signed = element(signed)?.2;
    }
    let (SEQUENCE, times, _) = element(signed)? else { return None };
    let (tag, from, rest) = element(times)?;
    let (last_tag, until, _) = element(rest)?;
    Some((time(tag, from)?, time(last_tag, until)?))
}

/// The tag and content of the first element, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (octets, rest) =
            rest.split_at_checked(usize::from(first & 0x7f)).filter(|(octets, _)| octets.len() <= 4)?;
        (octets.iter().fold(0, |length, octet| length << 8 | usize::from(*octet)), rest)
    };
    let (content, behind) = rest.split_at_checked(length)?;
    Some((tag, content, behind))
}

/// `YYMMDDHHMMSSZ` of UTCTime, whose years are 1950 to 2049, or `YYYYMMDDHHMMSSZ` of GeneralizedTime.
fn time(tag: u8, text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            let year: u64 = year.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = text.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    let part = |index: usize| rest.get(index..index + 2)?.parse::<u64>().ok();
    let (month, day) = (part(0).filter(|month| (1..=12).contains(month))?, part(2)?);
    let (hour, minute, second) = (part(4)?, part(6)?, part(8)?);
    if rest.len() != 10 || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    Some(days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar; 0 before.
fn days(year: u64, month: u64, day: u64) -> u64 {
    // Years begin in March, so that the leap day is the last one.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year.saturating_sub(1), month + 9) };
    let until_year = year * 365 + year / 4 - year / 100 + year / 400;
    // 719,468 days lie between 0000-03-01 and 1970-01-01.
    (until_year + (153 * month + 2) / 5 + day - 1).saturating_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_both_kinds_are_read_and_others_are_not() {
        let utc = |text: &str| time(UTC_TIME, text.as_bytes());
        assert_eq!(utc("700101000000Z"), Some(0));
        assert_eq!(utc("000229120000Z"), Some(951_825_600));
        assert_eq!(utc("491231235959Z"), Some(2_524_607_999));
        assert_eq!(utc("500101000000Z"), Some(0), "before 1970");
        assert_eq!(time(GENERALIZED_TIME, b"20500101000000Z"), Some(2_524_608_000));
        assert_eq!(time(GENERALIZED_TIME, b"99991231235959Z"), Some(253_402_300_799));
        for text in ["", "Z", "7001010000Z", "700101000000", "700101000000+0100", "701301000000Z", "70010100000xZ"] {
            assert_eq!(utc(text), None, "{text}");
        }
        assert_eq!(time(0x04, b"700101000000Z"), None);
    }

    #[test]
    fn what_is_cut_off_or_no_certificate_has_no_term() {
        let whole: &[u8] = &[0x30, 0x82, 0x01, 0x00, 0x30];
        for end in 0..=whole.len() {
            assert_eq!(validity(&whole[..end]), None);
        }
        assert_eq!(validity(&[0x30, 0x89, 1, 1, 1, 1, 1, 1, 1, 1, 1]), None);
    }
}
