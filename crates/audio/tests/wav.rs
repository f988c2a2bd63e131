//! WAV files in every shape that tools write them, and every fault that a prompt can have.

use audio::{AudioError, Law, Prompt, RATE, Wav, WavHeader};
use proptest::prelude::*;

fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    let mut octets = [name, &length.to_le_bytes()[..], content].concat();
    octets.resize(octets.len().next_multiple_of(2), 0);
    octets
}

fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let content = [b"WAVE".to_vec(), chunks.concat()].concat();
    chunk(b"RIFF", &content)
}

fn fmt(tag: u16, channels: u16, rate: u32, bits: u16) -> Vec<u8> {
    let frame = channels * bits / 8;
    let fields: [&[u8]; 6] = [
        &tag.to_le_bytes(),
        &channels.to_le_bytes(),
        &rate.to_le_bytes(),
        &(rate * u32::from(frame)).to_le_bytes(),
        &frame.to_le_bytes(),
        &bits.to_le_bytes(),
    ];
    chunk(b"fmt ", &fields.concat())
}

/// `WAVEFORMATEXTENSIBLE`, as sox and ffmpeg write it, with sub-format `tag`.
fn extensible(tag: u16) -> Vec<u8> {
    let mut content: Vec<u8> = fmt(0xfffe, 1, 8000, 16).into_iter().skip(8).collect();
    content.extend([22, 0, 16, 0, 4, 0, 0, 0]);
    content.extend(tag.to_le_bytes());
    content.extend([0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]);
    chunk(b"fmt ", &content)
}

fn data(samples: &[i16]) -> Vec<u8> {
    chunk(b"data", &samples.iter().flat_map(|sample| sample.to_le_bytes()).collect::<Vec<_>>())
}

const SAMPLES: [i16; 4] = [0, 1000, -1000, i16::MIN];

#[test]
fn chunks_may_stand_in_any_order_and_unknown_ones_are_passed_over() {
    let list = chunk(b"LIST", b"INFOxyz");
    let files = [
        riff(&[fmt(1, 1, 8000, 16), data(&SAMPLES)]),
        riff(&[list.clone(), fmt(1, 1, 8000, 16), list.clone(), data(&SAMPLES), list.clone()]),
        riff(&[data(&SAMPLES), list, fmt(1, 1, 8000, 16)]),
        riff(&[extensible(1), chunk(b"fact", &[4, 0, 0, 0]), data(&SAMPLES)]),
    ];
    for file in files {
        assert_eq!(Wav::parse(&file), Ok(Wav { rate: 8000, samples: SAMPLES.to_vec() }));
    }
}

#[test]
fn every_fault_is_named() {
    let plain = data(&SAMPLES);
    let pcm = fmt(1, 1, 8000, 16);
    let mut cut = riff(&[pcm.clone(), data(&[0; 100])]);
    cut.truncate(44 + 60);
    let mut streamed = riff(&[pcm.clone(), data(&[0; 10])]);
    streamed[40..44].fill(0xff);
    let cases: Vec<(Vec<u8>, AudioError, &str)> = vec![
        (b"ID3\x03 an MP3".to_vec(), AudioError::NotWav, "not a WAV file"),
        (Vec::new(), AudioError::NotWav, "not a WAV file"),
        (b"RIFF\x04\0\0\0AVI ".to_vec(), AudioError::NotWav, "not a WAV file"),
        (riff(&[]), AudioError::NoFormat, "a WAV file without a format (`fmt ` chunk)"),
        (riff(&[chunk(b"fmt ", &[1, 0, 1]), plain.clone()]), AudioError::NoFormat, "without a format"),
        (riff(std::slice::from_ref(&plain)), AudioError::NoFormat, "without a format"),
        (riff(std::slice::from_ref(&pcm)), AudioError::NoSound, "without sound"),
        (riff(&[pcm.clone(), data(&[])]), AudioError::NoSound, "without sound"),
        (cut, AudioError::Cut { announced: 200, held: 60 }, "announces 200 octets of sound and holds 60"),
        (streamed, AudioError::Cut { announced: u32::MAX, held: 20 }, "cut short"),
        (riff(&[fmt(7, 1, 8000, 8), plain.clone()]), AudioError::Encoding { tag: 7 }, "in µ-law (format 0x0007)"),
        (riff(&[extensible(3), plain.clone()]), AudioError::Encoding { tag: 3 }, "floating point"),
        (riff(&[fmt(1, 2, 8000, 16), plain.clone()]), AudioError::Channels { channels: 2 }, "of 2 channels"),
        (riff(&[fmt(1, 1, 8000, 8), plain.clone()]), AudioError::Bits { bits: 8 }, "of 8 bits a sample"),
        (riff(&[fmt(1, 1, 44_100, 16), plain]), AudioError::Rate { rate: 44_100 }, "of 44100 Hz"),
        (riff(&[pcm, data(&vec![0; 8000 * 3601])]), AudioError::TooLong { seconds: 3601 }, "of 3601 s"),
    ];
    for (file, error, says) in cases {
        assert_eq!(Wav::parse(&file), Err(error));
        assert!(error.to_string().contains(says), "{error}");
        assert!(!error.remedy("hello.wav").is_empty());
    }
}

#[test]
fn the_remedy_is_a_command_for_that_file() {
    let remedy = AudioError::Channels { channels: 2 }.remedy("prompts/en/hello.wav");
    assert_eq!(remedy, "convert it: `sox prompts/en/hello.wav -r 8000 -c 1 -b 16 -e signed-integer OUT.wav`");
}

#[test]
fn a_prompt_is_encoded_in_both_laws_and_measured() {
    let prompt = Prompt::from_wav(&riff(&[fmt(1, 1, 8000, 16), data(&[8000; 800])])).unwrap();
    assert_eq!(prompt.ulaw[..], [Law::Ulaw.encode_sample(8000); 800]);
    assert_eq!(prompt.alaw[..], [Law::Alaw.encode_sample(8000); 800]);
    assert_eq!(prompt.duration().as_millis(), 100);
    assert_eq!((prompt.levels.peak, prompt.levels.rms), (8000, 8000.0));
}

#[test]
fn a_16_khz_prompt_lasts_as_long_at_8_khz() {
    let prompt = Prompt::from_wav(&riff(&[fmt(1, 1, 16_000, 16), data(&[0; 16_000])])).unwrap();
    assert_eq!(prompt.duration().as_millis(), 1000);
}

#[test]
fn a_growing_recording_reads_back_with_a_strangers_reader() {
    let header = WavHeader::stereo(RATE);
    let mut file = header.with_data_bytes(8).to_vec();
    file.extend([1, 0, 2, 0, 3, 0, 4, 0]);
    // Written after the header was: what a crash leaves.
    file.extend([9; 100]);
    let mut reader = hound::WavReader::new(&file[..]).unwrap();
    let spec = reader.spec();
    assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (2, 8000, 16));
    assert_eq!(reader.samples::<i16>().map(Result::unwrap).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[test]
fn a_recording_longer_than_the_format_can_say_is_said_to_be_as_long_as_it_can() {
    for bytes in [u64::MAX, u64::from(u32::MAX), u64::from(u32::MAX) - 36] {
        let header = WavHeader::stereo(RATE).with_data_bytes(bytes);
        let says = u32::from_le_bytes([header[40], header[41], header[42], header[43]]);
        assert_eq!((says % 4, says > u32::MAX - 40 - 4), (0, true));
        assert_eq!(u32::from_le_bytes([header[4], header[5], header[6], header[7]]), says + 36);
    }
}

#[test]
fn our_mono_header_is_read_by_our_reader() {
    let file = [&WavHeader::mono(16_000).with_data_bytes(4)[..], &[5, 0, 6, 0]].concat();
    assert_eq!(Wav::parse(&file), Ok(Wav { rate: 16_000, samples: vec![5, 6] }));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_content_makes_the_reader_panic(mut file in prop::collection::vec(any::<u8>(), 0..200), riff: bool) {
        if riff && file.len() > 20 {
            file[..4].copy_from_slice(b"RIFF");
            file[8..16].copy_from_slice(b"WAVEfmt ");
        }
        let _ = Prompt::from_wav(&file);
    }
}
