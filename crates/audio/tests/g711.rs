//! ITU-T G.711 against the numbers of the Recommendation, worked out here another way than in the crate.
//!
//! Cases: tables 1a/1b (A-law) and 2a/2b (µ-law): decision values and output values of every segment, character
//! signals of full scale and zero; tables 3 and 4 (conversion): section 3.4's transparency.

use audio::{Law, alaw_to_ulaw, ulaw_to_alaw};

const LAWS: [Law; 2] = [Law::Ulaw, Law::Alaw];

/// The decision values x₁, x₂, … of one law in 16-bit units, and its output values y₁, y₂, …, from the columns
/// "number of intervals × interval size" of tables 1a and 2a.
fn table(law: Law) -> (Vec<i32>, Vec<i32>) {
    // (intervals, interval size) by rising magnitude, then the scale from the table's unit to 16 bits.
    let (segments, scale): (&[(i32, i32)], i32) = match law {
        Law::Alaw => (&[(32, 2), (16, 4), (16, 8), (16, 16), (16, 32), (16, 64), (16, 128)], 8),
        Law::Ulaw => (&[(1, 1), (15, 2), (16, 4), (16, 8), (16, 16), (16, 32), (16, 64), (16, 128), (16, 256)], 4),
    };
    let mut ends = Vec::new();
    let mut at = 0;
    for &(count, size) in segments {
        for _ in 0..count {
            at += size * scale;
            ends.push(at);
        }
    }
    let mut begin = 0;
    let outputs = ends.iter().map(|&end| {
        // µ-law's first interval is half of one around zero: its output value is 0.
        let middle = if law == Law::Ulaw && begin == 0 { 0 } else { i32::midpoint(begin, end) };
        begin = end;
        middle
    });
    let outputs = outputs.collect();
    (ends, outputs)
}

/// The octet of value number `number` (from 0): table 1a note 2 and table 2a note 2.
fn octet(law: Law, number: usize, negative: bool) -> u8 {
    let number = number as u8;
    match (law, negative) {
        (Law::Ulaw, false) => 0xff - number,
        (Law::Ulaw, true) => 0x7f - number,
        (Law::Alaw, false) => (0x80 | number) ^ 0x55,
        (Law::Alaw, true) => number ^ 0x55,
    }
}

#[test]
fn every_octet_decodes_to_the_output_value_of_the_table() {
    for law in LAWS {
        let (_, outputs) = table(law);
        assert_eq!(outputs.len(), 128, "{law:?}");
        for (number, &value) in outputs.iter().enumerate() {
            assert_eq!(i32::from(law.decode_sample(octet(law, number, false))), value, "{law:?} {number}");
            assert_eq!(i32::from(law.decode_sample(octet(law, number, true))), -value, "{law:?} −{number}");
        }
    }
}

#[test]
fn every_sample_encodes_to_the_interval_that_holds_it() {
    for law in LAWS {
        let (ends, _) = table(law);
        for sample in i16::MIN..=i16::MAX {
            // One's complement: −1 lies where 0 does.
            let magnitude = i32::from(if sample < 0 { !sample } else { sample });
            let number = ends.partition_point(|&end| end <= magnitude).min(127);
            assert_eq!(law.encode_sample(sample), octet(law, number, sample < 0), "{law:?} {sample}");
        }
    }
}

#[test]
fn an_octet_decoded_and_encoded_is_the_same_but_for_the_negative_zero_of_the_mu_law() {
    for law in LAWS {
        for octet in 0..=255 {
            let again = law.encode_sample(law.decode_sample(octet));
            let expected = if (law, octet) == (Law::Ulaw, 0x7f) { 0xff } else { octet };
            assert_eq!(again, expected, "{law:?} {octet:#x}");
        }
    }
}

#[test]
fn silence_and_full_scale_are_the_known_octets() {
    assert_eq!((Law::Ulaw.encode_sample(0), Law::Alaw.encode_sample(0)), (0xff, 0xd5));
    assert_eq!((Law::Ulaw.silence(), Law::Alaw.silence()), (0xff, 0xd5));
    assert_eq!((Law::Ulaw.encode_sample(i16::MAX), Law::Alaw.encode_sample(i16::MAX)), (0x80, 0xaa));
    assert_eq!((Law::Ulaw.encode_sample(i16::MIN), Law::Alaw.encode_sample(i16::MIN)), (0x00, 0x2a));
    assert_eq!((Law::Ulaw.decode_sample(0x80), Law::Alaw.decode_sample(0xaa)), (32_124, 32_256));
}

/// Rows of table 3 (µ-law number → A-law number) and table 4 (back) where decoding and encoding would go elsewhere.
#[test]
fn conversion_follows_tables_3_and_4_where_the_nearest_value_would_not() {
    for (ulaw, alaw) in [(48, 46), (49, 48), (64, 64), (80, 80), (81, 82), (95, 96)] {
        assert_eq!(ulaw_to_alaw(octet(Law::Ulaw, ulaw, false)), octet(Law::Alaw, alaw - 1, false), "µ{ulaw}");
        assert_eq!(ulaw_to_alaw(octet(Law::Ulaw, ulaw, true)), octet(Law::Alaw, alaw - 1, true), "−µ{ulaw}");
    }
    for (alaw, ulaw) in [(63, 64), (64, 64), (80, 79), (81, 80), (96, 95), (128, 127)] {
        assert_eq!(alaw_to_ulaw(octet(Law::Alaw, alaw - 1, false)), octet(Law::Ulaw, ulaw, false), "A{alaw}");
        assert_eq!(alaw_to_ulaw(octet(Law::Alaw, alaw - 1, true)), octet(Law::Ulaw, ulaw, true), "−A{alaw}");
    }
}

#[test]
fn conversion_keeps_the_sign_and_stays_within_one_step() {
    for octet in 0..=255u8 {
        for (from, to, converted) in
            [(Law::Ulaw, Law::Alaw, ulaw_to_alaw(octet)), (Law::Alaw, Law::Ulaw, alaw_to_ulaw(octet))]
        {
            assert_eq!(converted & 0x80, octet & 0x80, "{from:?} {octet:#x}");
            let (before, after) = (i32::from(from.decode_sample(octet)), i32::from(to.decode_sample(converted)));
            // A step is at most a sixteenth of the magnitude, or 16 near zero.
            let step = (before.abs() / 16).max(16);
            assert!((before - after).abs() <= step, "{from:?} {octet:#x}: {before} → {after}");
        }
    }
}

/// Section 3.4: after µ → A → µ most values are as they were and none moved by more than one.
#[test]
fn converting_there_and_back_moves_no_value_by_more_than_one_number() {
    let mut moved = 0;
    for number in 0..128 {
        let back = alaw_to_ulaw(ulaw_to_alaw(octet(Law::Ulaw, number, false)));
        let difference = (i32::from(0xff - back) - i32::try_from(number).unwrap()).abs();
        assert!(difference <= 1, "µ{number}: {difference}");
        moved += difference;
    }
    assert!(moved <= 8 + 1 + 1, "{moved} values changed");
    for number in 0..128 {
        let back = ulaw_to_alaw(alaw_to_ulaw(octet(Law::Alaw, number, false)));
        let difference = (i32::from((back ^ 0xd5) & 0x7f) - i32::try_from(number).unwrap()).abs();
        assert!(difference <= 1, "A{}: {difference}", number + 1);
    }
}

#[test]
fn slices_are_coded_as_far_as_both_reach() {
    let mut octets = [7; 3];
    Law::Alaw.encode(&[0, 0], &mut octets);
    assert_eq!(octets, [0xd5, 0xd5, 7]);
    let mut samples = [1; 2];
    Law::Ulaw.decode(&[0xff; 5], &mut samples);
    assert_eq!(samples, [0, 0]);
    let mut converted = [0; 4];
    Law::Ulaw.transcode(Law::Alaw, &[0xff, 0x7f], &mut converted);
    assert_eq!(converted, [0xd5, 0x55, 0, 0]);
    Law::Alaw.transcode_in_place(Law::Ulaw, &mut converted[..2]);
    assert_eq!(converted, [0xfe, 0x7e, 0, 0], "A-law has no zero: its smallest value is µ-law's second");
    Law::Alaw.transcode(Law::Alaw, &[1, 2, 3], &mut converted);
    assert_eq!(converted, [1, 2, 3, 0]);
}
