//! Strategies in Rust that somebody built into the program.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use plugins::Native;
use routing::{Description, PluginName, Strategy};
use serde_json::{Value, json};

use crate::error::Error;

/// Makes a strategy of a queue's parameters.
type Make = Arc<dyn Fn(&Value) -> Box<dyn Strategy> + Send + Sync>;

/// Those of this process.
static STRATEGIES: OnceLock<Strategies> = OnceLock::new();

/// Strategies by their names, each with its description.
#[derive(Default)]
pub(crate) struct Strategies {
    known: BTreeMap<PluginName, (Description, Make)>,
    /// The first name that cannot be used, and why.
    faulty: Option<(PluginName, &'static str)>,
}

impl Strategies {
    /// `schema`: of the parameters that it takes, if it takes any.
    pub fn add<S: Strategy + 'static>(
        &mut self,
        schema: Option<&str>,
        make: impl Fn(&Value) -> S + Send + Sync + 'static,
    ) {
        let one = make(&json!({}));
        let name = PluginName::from(one.name());
        let mut description = Description::new(name.as_str(), "built in", one.order());
        if let Some(schema) = schema {
            description.parameters = serde_json::from_str(schema).unwrap_or_default();
        }
        let is_schema = jsonschema::validator_for(&description.parameters).is_ok();
        if !is_schema || description.fault().is_some() {
            let why = "the schema of its parameters is none: write a JSON object such as `{ \"type\": \"object\" }`";
            self.faulty.get_or_insert((name.clone(), why));
        }
        let make: Make = Arc::new(move |parameters| Box::new(make(parameters)));
        if self.known.insert(name.clone(), (description, make)).is_some() {
            self.faulty.get_or_insert((name, "two have this name"));
        }
    }

    /// Makes them those of this process.
    ///
    /// # Errors
    /// If one of them cannot be named in a configuration.
    pub fn register(self) -> Result<(), Error> {
        let wrong = |name: &PluginName, why| Err(Error::Strategy { name: name.to_string(), why });
        if let Some(name) = self.known.keys().find(|name| !company::is_name(name.as_str())) {
            return wrong(name, "a name has lower-case letters, digits and `-`, like `fewest-calls`, at most 64");
        }
        if let Some((name, why)) = &self.faulty {
            return wrong(name, why);
        }
        // Whoever calls `main` a second time goes on with those of the first.
        let _ = STRATEGIES.set(self);
        Ok(())
    }
}

impl std::fmt::Debug for Strategies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.known.keys()).finish()
    }
}

/// The names of all.
pub(crate) fn names() -> Vec<PluginName> {
    STRATEGIES.get().map(|strategies| strategies.known.keys().cloned().collect()).unwrap_or_default()
}

fn find(name: &PluginName) -> Result<&'static (Description, Make), String> {
    let found = STRATEGIES.get().and_then(|strategies| strategies.known.get(name));
    found.ok_or_else(|| format!("the program brings no strategy `{name}` along"))
}

/// What one says of itself.
pub(crate) fn describe(name: &PluginName) -> Result<Description, String> {
    find(name).map(|(description, _)| description.clone())
}

/// For a queue's thread.
pub(crate) fn ready(name: &PluginName, deadline: Duration, parameters: Arc<str>) -> Result<plugins::Binding, String> {
    let (_, make) = find(name)?;
    // JSON that the switch wrote itself.
    let given: Value = serde_json::from_str(&parameters).map_err(|error| error.to_string())?;
    let make: plugins::Make = Arc::new(move || make(&given));
    Ok(plugins::Binding::new(move || Native::new(Arc::clone(&make), deadline), parameters))
}

#[cfg(test)]
mod tests {
    use routing::{Builtin, Decision, Snapshot};

    use super::*;

    struct Named(&'static str);

    impl Strategy for Named {
        fn name(&self) -> &str {
            self.0
        }

        fn decide(&self, snapshot: &Snapshot) -> Decision {
            Builtin::LongestIdle.decide(snapshot)
        }
    }

    #[test]
    fn names_that_no_configuration_could_tell_apart_are_refused() {
        let told = |names: &[&'static str]| {
            let mut strategies = Strategies::default();
            names.iter().for_each(|name| strategies.add(None, |_| Named(name)));
            strategies.register().unwrap_err().to_string()
        };
        assert_eq!(told(&["a", "b", "a"]), "the strategy `a` cannot be used: two have this name");
        assert!(
            told(&["a", "Fewest Calls", "a"]).starts_with("the strategy `Fewest Calls` cannot be used: a name has")
        );
    }

    #[test]
    fn a_schema_that_is_none_is_refused() {
        for schema in ["no JSON", "true", "[]", r#"{ "type": "everything" }"#] {
            let mut strategies = Strategies::default();
            strategies.add(Some(schema), |_| Named("a"));
            let told = strategies.register().unwrap_err().to_string();
            assert!(
                told.starts_with("the strategy `a` cannot be used: the schema of its parameters is none"),
                "{told}"
            );
        }
    }
}
