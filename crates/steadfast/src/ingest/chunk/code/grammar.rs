//! A parser with what its nodes mean, one a language and thread.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::ControlFlow;

use tree_sitter::{ParseOptions, ParseState, Parser, Tree};

use super::super::Language;
use super::languages::{
    ATTACHED, BODIES, COMMENTS, Reach, Rule, SECTIONS, WRAPPERS, parsed, rules,
};

/// The parser asks whether to go on once in about this many steps.
const STEPS_A_QUESTION: usize = 100;
/// Steps that any text may take, and further steps a byte; of 8,000 files that people wrote the worst
/// took 5.7, one in a hundred more than 1.8.
const STEPS_FREE: usize = 100_000;
const STEPS_A_BYTE: usize = 8;

/// What a kind of node is to the cutting of chunks.
#[derive(Clone, Copy)]
pub(super) enum Class {
    /// A definition, as the rule says.
    Definition(&'static Rule),
    /// A comment.
    Comment,
    /// It belongs to the definition behind it.
    Attached,
    /// It goes on with the node it stands in.
    Body,
    /// The definition is inside.
    Wrapper,
    /// It holds definitions and has no name.
    Section,
    /// Any other.
    Other,
}

/// What the kinds of nodes of one grammar mean.
pub(super) struct Grammar {
    classes: Vec<Class>,
}

impl Grammar {
    /// Returns what a kind of node is.
    pub(super) fn class(&self, kind: u16) -> Class {
        self.classes
            .get(usize::from(kind))
            .copied()
            .unwrap_or(Class::Other)
    }

    fn new(language: Language) -> Self {
        let parsed = parsed(language);
        let classes = (0..parsed.node_kind_count())
            .map(|id| {
                let id = u16::try_from(id).unwrap_or(u16::MAX);
                let name = parsed.node_kind_for_id(id).unwrap_or_default();
                if parsed.node_kind_is_named(id) {
                    class_of(name, language)
                } else {
                    Class::Other
                }
            })
            .collect();
        Self { classes }
    }
}

fn class_of(name: &str, language: Language) -> Class {
    let is_one_of = |kinds: &str| kinds.split_ascii_whitespace().any(|kind| kind == name);
    if let Some(rule) = rules(language).iter().find(|rule| is_one_of(rule.kinds)) {
        Class::Definition(rule)
    } else if is_one_of(COMMENTS) {
        Class::Comment
    } else if is_one_of(ATTACHED) {
        Class::Attached
    } else if is_one_of(WRAPPERS) {
        Class::Wrapper
    } else if is_one_of(SECTIONS) {
        Class::Section
    } else if BODIES.iter().any(|ending| name.ends_with(ending)) {
        Class::Body
    } else {
        Class::Other
    }
}

impl Class {
    /// Returns whether a node of this class is taken apart as soon as it is longer than the target.
    pub(super) fn is_container(self) -> bool {
        match self {
            Self::Definition(rule) => rule.reach == Reach::Container,
            Self::Section => true,
            Self::Comment | Self::Attached | Self::Body | Self::Wrapper | Self::Other => false,
        }
    }
}

thread_local! {
    /// A parser is costly to make and cannot be shared; what nodes mean is made along with it.
    static GRAMMARS: RefCell<HashMap<Language, (Parser, Grammar)>> = RefCell::default();
}

/// Parses `text` and hands the tree on; returns none when it took too many steps.
pub(super) fn with_tree<T>(
    text: &str,
    language: Language,
    then: impl FnOnce(&Grammar, &Tree) -> T,
) -> Option<T> {
    GRAMMARS.with(|grammars| {
        let mut grammars = grammars.try_borrow_mut().ok()?;
        let (parser, grammar) = match grammars.entry(language) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(place) => {
                let mut parser = Parser::new();
                parser.set_language(&parsed(language)).ok()?;
                place.insert((parser, Grammar::new(language)))
            }
        };
        let tree = parse(parser, text)?;
        Some(then(grammar, &tree))
    })
}

fn parse(parser: &mut Parser, text: &str) -> Option<Tree> {
    let bytes = text.as_bytes();
    let questions_max = (STEPS_FREE + STEPS_A_BYTE * bytes.len()) / STEPS_A_QUESTION;
    let mut questions = 0;
    let mut may_go_on = |_: &ParseState| {
        questions += 1;
        if questions > questions_max {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let options = ParseOptions::new().progress_callback(&mut may_go_on);
    let mut rest = |offset: usize, _| bytes.get(offset..).unwrap_or_default();
    let tree = parser.parse_with_options(&mut rest, None, Some(options));
    if tree.is_none() {
        // Otherwise the parser would go on with this text when it is given the next.
        parser.reset();
    }
    tree
}
