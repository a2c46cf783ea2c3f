//! The tool that takes away: first a plan, then, when somebody said yes to that very plan, it is gone.
//!
//! Who says yes depends on the client: a person, asked through the protocol, or
//! whoever sends the token of the plan back. Invariant: a token is good for one
//! plan in one process; when the plan has become another one, so has its token,
//! and nothing is forgotten.

use std::hash::{BuildHasher as _, RandomState};

use rmcp::model::JsonObject;
use serde_json::json;
use steadfast::model::Namespace;
use steadfast::{Error, ForgetPlan, Selection};

use super::Reply;
use crate::filters;
use crate::mcp::arguments::Arguments;
use crate::mcp::text;
use crate::store::{Access, Store};
use crate::wire;

/// The tool, with the secret that its tokens are made of.
pub(in crate::mcp) struct Forget {
    key: [u8; 32],
}

/// How somebody said yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::mcp) enum Confirmed {
    /// Nobody did yet.
    No,
    /// A person did, to the plan of this token.
    ByPerson(String),
}

/// How far a call came.
#[derive(Debug)]
pub(in crate::mcp) enum Step {
    /// Somebody has to say yes.
    Ask {
        /// What would be forgotten, in words.
        what: String,
        /// The token of the plan.
        token: String,
        /// The answer when nobody can be asked: the plan with its token.
        reply: Reply,
    },
    /// It is done, or there is nothing to do.
    Done(Reply),
    /// The client has cancelled the call; nothing is done.
    Stopped,
}

impl Forget {
    /// Returns the tool with a secret of this process.
    pub(in crate::mcp) fn new() -> Self {
        let mut key = [0; 32];
        for part in key.chunks_exact_mut(8) {
            // Each state is keyed by the system's random numbers.
            part.copy_from_slice(&RandomState::new().hash_one(0_u8).to_le_bytes());
        }
        Self { key }
    }

    pub(in crate::mcp) fn run(
        &self,
        store: &Store,
        arguments: Option<JsonObject>,
        confirmed: &Confirmed,
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Step, Error> {
        let mut arguments = Arguments::new(arguments);
        let mut selection = Selection::default();
        selection.ids = arguments.texts_as_given("ids")?;
        let globs = arguments.texts_as_given("source")?;
        selection.sources = filters::source_patterns(&globs, &store.settings().here)?;
        for name in arguments.texts_as_given("namespace")? {
            selection.namespaces.push(Namespace::new(name)?);
        }
        selection.tags = arguments.texts_as_given("tag")?;
        let given = match (arguments.optional("confirm_token")?, confirmed) {
            (_, Confirmed::ByPerson(token)) => Some(token.clone()),
            (given, Confirmed::No) => given,
        };
        arguments.finish()?;
        let memory = store.memory(Access::Read)?;
        let plan = memory.plan_forget(&selection)?;
        let token = self.token(&plan);
        let Some(given) = given else {
            return Ok(step(&plan, token));
        };
        if given != token {
            return Err(Error::Invalid {
                what: "`confirm_token` is not that of this plan, which may have changed; \
                       call forget without it, and show the new plan"
                    .to_owned(),
            });
        }
        if !goes_on() {
            return Ok(Step::Stopped);
        }
        let forgotten = memory.forget(&plan)?;
        // Not done again in a store that was put in place meanwhile: nobody said yes to that.
        memory.check_in_place()?;
        Ok(Step::Done(Reply::new(
            wire::forgotten(&plan, Some(&forgotten)),
            text::forgotten(&forgotten),
        )))
    }

    /// Returns the token of a plan: its digest stands for every text that it would take away.
    fn token(&self, plan: &ForgetPlan) -> String {
        let hash = blake3::keyed_hash(&self.key, &plan.digest().0);
        hash.to_hex().chars().take(16).collect()
    }
}

fn step(plan: &ForgetPlan, token: String) -> Step {
    let mut object = wire::forgotten(plan, None);
    if plan.chunks == 0 && plan.sources.is_empty() {
        return Step::Done(Reply::new(object, "There is nothing to forget.".to_owned()));
    }
    wire::set(&mut object, "confirm_token", json!(token));
    let what = text::plan(plan);
    let text = format!(
        "Nothing is forgotten yet. This would be gone for good: {what}. Show it to the user, and \
         only after a yes call forget again with the same arguments and confirm_token {token}."
    );
    Step::Ask {
        what,
        token,
        reply: Reply::new(object, text),
    }
}
