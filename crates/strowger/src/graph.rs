//! `strowger graph`: flows as drawings.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use clap::ValueEnum;
use switch::Destination;
use workbench::Sketch;
use yaml::did_you_mean;

use crate::error::Error;
use crate::folder::read_files;
use crate::operate::print;

/// What the drawing is written in.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    /// For GitLab, GitHub, wikis: https://mermaid.js.org
    Mermaid,
    /// For Graphviz: `dot -Tsvg`
    Dot,
}

/// Prints flows as a drawing; all if none are named.
///
/// # Errors
/// [`Error::Folder`] if there is no such folder, [`Error::NoSuchFlow`] if it holds no flow of a name that is asked for.
pub(crate) fn graph(folder: &Path, wanted: &[String], format: Format) -> Result<ExitCode, Error> {
    let files = read_files(folder)?;
    let sources = company::flow_sources(&files);
    for flow in wanted {
        if !sources.iter().any(|(name, _)| name == flow) {
            let near = did_you_mean(flow, sources.iter().map(|(name, _)| name.as_str())).map(str::to_owned);
            return Err(Error::NoSuchFlow { flow: flow.clone(), near });
        }
    }
    let (faults, mut numbers) = match company::read(&files) {
        Ok(company) => (Vec::new(), numbers(&company.switch)),
        Err(report) => (report.faults, BTreeMap::new()),
    };
    let mut sketches = Vec::new();
    for (name, source) in sources.iter().filter(|(name, _)| wanted.is_empty() || wanted.contains(name)) {
        let own = faults.iter().filter(|fault| fault.place.source.path() == source.path()).cloned().collect();
        let outline = ivr::Outline::of_draft(name, source);
        let numbers = numbers.remove(name).unwrap_or_default();
        sketches.push(Sketch { name: name.clone(), numbers, outline, faults: own });
    }
    let drawing = match format {
        Format::Mermaid => workbench::mermaid(&sketches),
        Format::Dot => workbench::dot(&sketches),
    };
    print(&drawing);
    let mut whole = true;
    for sketch in sketches.iter().filter(|sketch| sketch.outline.is_none()) {
        whole = false;
        sketch.faults.iter().for_each(|fault| eprintln!("{fault}"));
    }
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The numbers that lead to each flow.
fn numbers(config: &switch::Config) -> BTreeMap<String, Vec<String>> {
    let mut numbers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (number, destination) in &config.numbers {
        if let Destination::Flow(flow) = destination {
            numbers.entry(flow.to_string()).or_default().push(number.to_string());
        }
    }
    numbers
}
