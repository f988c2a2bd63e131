//! `strowger schema`: what editors complete and explain the company's files by.

use clap::ValueEnum;

use crate::operate::print;

/// A kind of file.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum FileKind {
    /// flows/NAME.yaml
    Flow,
    /// tests/NAME.yaml
    Test,
    /// tests/NAME.yaml of a routing plugin
    PluginTest,
    /// hours.yaml
    Hours,
    /// queues.yaml
    Queues,
    /// users.yaml
    Users,
}

/// Prints the JSON Schema of a kind of file.
pub(crate) fn schema(kind: FileKind) {
    let schema = match kind {
        FileKind::Flow => workbench::schema("A flow of Strowger", ivr::Flow::form()),
        FileKind::Test => workbench::schema("Tests of Strowger's flows", workbench::tests_form()),
        FileKind::PluginTest => workbench::schema("Tests of a routing plugin", workbench::plugin_tests_form()),
        FileKind::Hours => workbench::schema("Opening hours of a company of Strowger", hours::Hours::form()),
        FileKind::Queues => workbench::schema("Queues of a company of Strowger", company::queues_form()),
        FileKind::Users => workbench::schema("Users of a company of Strowger", company::users_form()),
    };
    print(&format!("{schema:#}\n"));
}
