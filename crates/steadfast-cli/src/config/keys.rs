//! The settings there are. Each one acts; a key that nothing reads does not exist.

use clap::ValueEnum;
use steadfast::model::Namespace;
use steadfast::query::HITS_MAX;
use toml::Value;

use super::{redaction, rules};
use crate::args::{JournalChoice, ModeChoice};
use crate::error::Failure;

pub(super) const STORE: &str = "store.path";
pub(super) const JOURNAL: &str = "store.journal";
pub(super) const LIMIT: &str = "search.limit";
pub(super) const MODE: &str = "search.mode";
pub(super) const FILE_BYTES_MAX: &str = "ingest.file_bytes_max";
pub(super) const NAMESPACE: &str = "namespace.default";
pub(super) const MODEL: &str = "embed.model";

pub(super) const REDACT: &str = "redact.enabled";
pub(super) const REDACT_RULES: &str = "redact.rules";
pub(super) const REDACT_ALLOW: &str = "redact.allow";

pub(super) const HISTORY_DAYS: &str = "retention.history_days";
pub(super) const RULES: &str = "rules";

/// The model inside the program.
pub(super) const MODEL_BUILT_IN: &str = "built-in";

pub(super) const LIMIT_BUILT_IN: usize = 10;

/// A setting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    /// Its name in files and on the command line.
    pub(crate) name: &'static str,
    /// The variable of the environment that sets it.
    pub(crate) variable: &'static str,
    /// Its value when nobody sets it.
    pub(crate) built_in: &'static str,
    /// What it may be, in words.
    pub(crate) values: &'static str,
    /// What it does.
    pub(crate) what: &'static str,
    /// Which file may hold it.
    pub(crate) home: Home,
    check: fn(&str) -> bool,
    pub(crate) sort: Sort,
}

/// How a value is written in a file and in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Text,
    Number,
    /// `true` or `false`.
    Switch,
    /// A list in TOML.
    List,
}

impl Sort {
    /// Returns a value as TOML; one that is not of this sort is a text.
    pub(crate) fn value(self, value: &str) -> Value {
        let own = match self {
            Self::Text => None,
            Self::Number => value.parse().ok().map(Value::Integer),
            Self::Switch => value.parse().ok().map(Value::Boolean),
            Self::List => redaction::list(value).ok().map(Value::Array),
        };
        own.unwrap_or_else(|| Value::String(value.to_owned()))
    }
}

/// Which file may hold a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    /// The store's file or the user's.
    Any,
    /// The user's only: it says which store is meant.
    User,
}

/// All settings, by name.
pub(crate) const ALL: &[Key] = &[
    Key {
        name: MODEL,
        variable: "STEADFAST_EMBED_MODEL",
        built_in: MODEL_BUILT_IN,
        values: "`built-in`, or the absolute path of a folder with `model.safetensors` and `tokenizer.json`",
        what: "What turns texts into vectors: the model inside the program, or all-MiniLM-L6-v2 in a folder, in a build with `minilm`.",
        home: Home::Any,
        check: |value| value == MODEL_BUILT_IN || std::path::Path::new(value).is_absolute(),
        sort: Sort::Text,
    },
    Key {
        name: FILE_BYTES_MAX,
        variable: "STEADFAST_INGEST_FILE_BYTES_MAX",
        built_in: "33554432",
        values: "bytes, from 1",
        what: "The largest file that `index` reads; larger ones are left out with the reason `too_large`.",
        home: Home::Any,
        check: |value| value.parse::<u64>().is_ok_and(|bytes| bytes > 0),
        sort: Sort::Number,
    },
    Key {
        name: NAMESPACE,
        variable: "STEADFAST_NAMESPACE",
        built_in: "default",
        values: "1 to 256 bytes without control characters",
        what: "The namespace that `index` and `remember` write into without `--namespace`.",
        home: Home::Any,
        check: |value| Namespace::new(value).is_ok(),
        sort: Sort::Text,
    },
    Key {
        name: REDACT_ALLOW,
        variable: "STEADFAST_REDACT_ALLOW",
        built_in: "[]",
        values: "a TOML list of regular expressions",
        what: "What is never taken out: tried on each text that a rule takes for a secret.",
        home: Home::Any,
        check: |value| redaction::allow(value).is_ok(),
        sort: Sort::List,
    },
    Key {
        name: REDACT,
        variable: "STEADFAST_REDACT",
        built_in: "true",
        values: "true, false",
        what: "Whether `index` and `remember` take out secrets before anything is written.",
        home: Home::Any,
        check: |value| value.parse::<bool>().is_ok(),
        sort: Sort::Switch,
    },
    Key {
        name: REDACT_RULES,
        variable: "STEADFAST_REDACT_RULES",
        built_in: "[]",
        values: "a TOML list of `{kind = \"..\", pattern = \"..\"}`",
        what: "Further rules for secrets; the first group of a pattern is the secret, else the whole match.",
        home: Home::Any,
        check: |value| redaction::rules(value).is_ok(),
        sort: Sort::List,
    },
    Key {
        name: HISTORY_DAYS,
        variable: "STEADFAST_RETENTION_HISTORY_DAYS",
        built_in: "all",
        values: "days, from 1, or `all`",
        what: "How much history `prune` keeps without `--older-than`.",
        home: Home::Any,
        check: |value| value == "all" || value.parse::<u32>().is_ok_and(|days| days > 0),
        sort: Sort::Number,
    },
    Key {
        name: RULES,
        variable: "STEADFAST_RULES",
        built_in: "[]",
        values: "a TOML list of `{folder = \"..\", namespace = \"..\", tags = [..], meta = {..}}`",
        what: "What `index` gives to files by the folder that they lie in.",
        home: Home::Any,
        check: |value| rules::check(value).is_ok(),
        sort: Sort::List,
    },
    Key {
        name: LIMIT,
        variable: "STEADFAST_SEARCH_LIMIT",
        built_in: "10",
        values: "1 to 1000",
        what: "How many hits `search` shows without `-k`.",
        home: Home::Any,
        check: |value| {
            value
                .parse()
                .is_ok_and(|limit| (1..=HITS_MAX).contains(&limit))
        },
        sort: Sort::Number,
    },
    Key {
        name: MODE,
        variable: "STEADFAST_SEARCH_MODE",
        built_in: "hybrid",
        values: "hybrid, text, vector",
        what: "How `search` searches without `--mode`.",
        home: Home::Any,
        check: |value| ModeChoice::from_str(value, false).is_ok(),
        sort: Sort::Text,
    },
    Key {
        name: JOURNAL,
        variable: "STEADFAST_JOURNAL",
        built_in: "auto",
        values: "auto, wal, truncate",
        what: "The journal that writing commands ask for without `--journal`.",
        home: Home::Any,
        check: |value| JournalChoice::from_str(value, false).is_ok(),
        sort: Sort::Text,
    },
    Key {
        name: STORE,
        variable: "STEADFAST_STORE",
        built_in: "",
        values: "a folder; `~/` is your home",
        what: "The store where no folder `.steadfast` is found upward; built in is `steadfast` in your data folder.",
        home: Home::User,
        check: |value| !value.is_empty(),
        sort: Sort::Text,
    },
];

/// Returns the setting with a name.
pub(crate) fn find(name: &str) -> Result<&'static Key, Failure> {
    ALL.iter().find(|key| key.name == name).ok_or_else(|| {
        let known: Vec<&str> = ALL.iter().map(|key| key.name).collect();
        Failure::new("invalid_config", format!("`{name}` is not a setting"))
            .hint(format!("the settings are: {}", known.join(", ")))
    })
}

impl Key {
    /// Refuses a value that the setting cannot have.
    pub(crate) fn check(&self, value: &str) -> Result<(), Failure> {
        if (self.check)(value) {
            return Ok(());
        }
        let reason = match self.name {
            REDACT_RULES => redaction::rules(value).err(),
            REDACT_ALLOW => redaction::allow(value).err(),
            RULES => rules::check(value).err(),
            _ => None,
        };
        let reason = reason.map_or(String::new(), |reason| format!(": {reason}"));
        Err(Failure::new(
            "invalid_config",
            format!("`{value}` is not a value of {}{reason}", self.name),
        )
        .hint(format!("give {}", self.values)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_values_are_values() {
        for key in ALL.iter().filter(|key| key.name != STORE) {
            assert!(key.check(key.built_in).is_ok(), "{}", key.name);
        }
        assert!(ALL.windows(2).all(|pair| pair[0].name < pair[1].name));
    }

    #[test]
    fn values_out_of_range_are_refused() {
        for (name, value) in [
            (LIMIT, "0"),
            (LIMIT, "1001"),
            (LIMIT, "ten"),
            (MODEL, "some/folder"),
            (HISTORY_DAYS, "0"),
            (HISTORY_DAYS, "some"),
            (MODE, "magic"),
            (JOURNAL, "off"),
            (FILE_BYTES_MAX, "-1"),
            (NAMESPACE, ""),
            (REDACT, "maybe"),
            (REDACT_RULES, "[1]"),
            (REDACT_ALLOW, "[\"(\"]"),
            (RULES, "[{folder = \"/a\"}]"),
        ] {
            assert!(find(name).unwrap().check(value).is_err(), "{name}={value}");
        }
        assert!(find("search.limits").is_err());
    }
}
