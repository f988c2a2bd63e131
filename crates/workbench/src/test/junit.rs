//! JUnit's XML, which build servers read.

use std::fmt::Write as _;

use yaml::Place;

use super::{Case, Ran};

/// All tests that ran, as JUnit XML: a suite a file.
#[must_use]
pub fn junit(ran: &[(Case, Ran)]) -> String {
    let failed = ran.iter().filter(|(_, ran)| !ran.failures.is_empty()).count();
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    let _ = writeln!(text, "<testsuites name=\"strowger\" tests=\"{}\" failures=\"{failed}\">", ran.len());
    let mut files: Vec<&str> = ran.iter().map(|(case, _)| case.place.source.path()).collect();
    files.dedup();
    for file in files {
        let own: Vec<_> = ran.iter().filter(|(case, _)| case.place.source.path() == file).collect();
        let failed = own.iter().filter(|(_, ran)| !ran.failures.is_empty()).count();
        let file = escape(file);
        let _ = writeln!(text, "  <testsuite name=\"{file}\" tests=\"{}\" failures=\"{failed}\">", own.len());
        own.into_iter().for_each(|(case, ran)| add(&mut text, &file, case, ran));
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

fn add(text: &mut String, file: &str, case: &Case, ran: &Ran) {
    let Place { span, .. } = &case.place;
    let name = escape(&case.name);
    let flow = escape(&case.flow);
    let _ = write!(text, "    <testcase name=\"{name}\" classname=\"{flow}\" file=\"{file}\" line=\"{}\"", span.line);
    let Some(first) = ran.failures.first() else {
        text.push_str("/>\n");
        return;
    };
    let report = escape(&case.report(ran));
    let _ = writeln!(text, ">\n      <failure message=\"{}\">{report}</failure>\n    </testcase>", escape(&first.what));
}

/// A text as XML; what XML cannot say at all is left out.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
