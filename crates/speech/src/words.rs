//! What an engine is told of a text.

/// The most octets of a WAV file: three minutes at 48 kHz.
pub(crate) const MAX_OCTETS: usize = 3 * 60 * 48_000 * 2;

/// What `{voice}`, `{language}` and `{text}` stand for.
pub(crate) struct Words<'a> {
    pub voice: &'a str,
    pub language: &'a str,
    pub text: &'a str,
}

impl Words<'_> {
    /// What a template comes to.
    pub fn fill(&self, template: &str) -> String {
        // The text last: what it says stands for nothing.
        let filled = template.replace("{voice}", self.voice).replace("{language}", self.language);
        filled.replace("{text}", self.text)
    }
}
