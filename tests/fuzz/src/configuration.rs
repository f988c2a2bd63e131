//! The configuration folder.

use std::collections::BTreeMap;

use company::{Company, Files, read};

/// Before the path of each file in an input.
const HEADING: &str = "--- ";

/// Reads a folder: `--- PATH` begins a file, which goes on up to the next. What stands before the first is `strowger.yaml`.
///
/// # Panics
/// If reading gives neither a company nor a fault, or a fault that points outside of its file.
pub fn configuration(data: &[u8]) -> bool {
    let files = files(data);
    let folder = || {
        let mut folder = Files::new("");
        files.iter().for_each(|(path, bytes)| folder.insert(path.clone(), bytes.clone()));
        folder
    };
    let report = match read(&folder()) {
        Ok(company) => {
            check_company(&company, read(&folder()).ok());
            return true;
        }
        Err(report) => report,
    };
    assert!(!report.faults.is_empty());
    for fault in &report.faults {
        assert!(!fault.message.is_empty());
        check_place(&fault.place, &files);
        let printed = fault.to_string();
        assert!(printed.len() < 8000, "a fault of {} octets", printed.len());
    }
    report.notes.iter().for_each(|note| check_place(&note.place, &files));
    let printed = report.to_string();
    assert!(printed.chars().all(|c| c == '\n' || !c.is_control()), "{printed:?}");
    assert_eq!(read(&folder()).unwrap_err().to_string(), printed, "the same at each time");
    false
}

/// What is read without a fault is read so again, and its notes have places.
fn check_company(company: &Company, again: Option<Company>) {
    let again = again.expect("read once more");
    assert_eq!(format!("{:?}", company.switch), format!("{:?}", again.switch));
    assert_eq!(format!("{:?}", company.system), format!("{:?}", again.system));
    assert!(company.notes.iter().all(|note| note.place.span.line >= 1));
}

/// The place lies in the file that it names: on one of its lines or at its end. A file that is missing as a whole has a first
/// line.
fn check_place(place: &yaml::Place, files: &BTreeMap<String, Vec<u8>>) {
    let (text, span) = (place.source.text(), place.span);
    assert!(span.line >= 1 && span.column >= 1 && span.length >= 1, "{span:?}");
    let line = text.split('\n').nth(usize::try_from(span.line).unwrap() - 1);
    let line = line.unwrap_or_else(|| panic!("{span:?} of {:?}: {text:?}", place.source.path()));
    let columns = line.chars().count() + 1;
    let (column, length) = (usize::try_from(span.column).unwrap(), usize::try_from(span.length).unwrap());
    assert!(column <= columns && column + length <= columns + 1, "{span:?} of {line:?}");
    let own = files.keys().any(|path| printed_alike(path, place.source.path()));
    assert!(own || text.is_empty(), "{:?} is no file of the folder", place.source.path());
}

fn printed_alike(path: &str, shown: &str) -> bool {
    path == shown || path.chars().any(char::is_control)
}

fn files(data: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut path = "strowger.yaml".to_owned();
    let mut content = Vec::new();
    for line in data.split_inclusive(|octet| *octet == b'\n') {
        match line.strip_prefix(HEADING.as_bytes()) {
            Some(next) => {
                files.insert(path, std::mem::take(&mut content));
                path = String::from_utf8_lossy(next).trim_end().to_owned();
            }
            None => content.extend_from_slice(line),
        }
    }
    files.insert(path, content);
    files
}
