//! Machine code on disk: found again, and taken for nothing if it is not what we wrote.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![cfg(feature = "wasm")]

mod common;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use common::{Parts, agents, first, instance, limits};
use plugins::{Cache, Decide as _, Host};
use sha2::Digest as _;

fn decides(folder: &Path) {
    let host = Host::start(Some(Cache::open(folder).unwrap())).unwrap();
    let module = host.load(&Parts::default().component(), &limits()).unwrap();
    assert_eq!(instance(&module, limits()).decide(&agents(1), "{}"), Ok(first(1)));
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn what_is_compiled_is_kept_and_what_is_damaged_is_compiled_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("compiled");
    decides(&folder);
    let kept = files(&folder);
    assert_eq!(kept.len(), 1);
    let whole = fs::read(&kept[0]).unwrap();
    assert_eq!(fs::metadata(&kept[0]).unwrap().permissions().mode() & 0o777, 0o600);
    // Found again: nothing is written.
    let time = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    let written = time(&kept[0]);
    decides(&folder);
    assert_eq!((files(&folder), time(&kept[0])), (kept.clone(), written));
    // A flipped bit, half a file, none of it, something else, and a sound file of something else: compiled and written anew.
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let foreign = [&sha2::Sha256::digest(b"foreign")[..], b"foreign"].concat();
    for damaged in [flipped, whole[..middle].to_vec(), Vec::new(), b"#!/bin/sh\nexit".to_vec(), foreign] {
        fs::write(&kept[0], damaged).unwrap();
        decides(&folder);
        assert!(fs::read(&kept[0]).unwrap() == whole);
    }
}

#[test]
fn a_folder_that_others_can_write_to_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("compiled");
    Cache::open(&folder).unwrap();
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    for mode in [0o770, 0o707, 0o750] {
        fs::set_permissions(&folder, Permissions::from_mode(mode)).unwrap();
        assert!(Cache::open(&folder).unwrap_err().to_string().contains("chmod 700"));
    }
    fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
    let link = place.path().join("link");
    symlink(&folder, &link).unwrap();
    assert!(Cache::open(&link).is_err());
}

#[test]
fn the_oldest_go_first() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
    for number in 0..70 {
        fs::write(folder.path().join(format!("old{number}.code")), b"").unwrap();
    }
    decides(folder.path());
    let left = files(folder.path());
    assert_eq!(left.len(), 64);
    assert!(left.iter().any(|path| !path.file_name().unwrap().to_str().unwrap().starts_with("old")));
}
