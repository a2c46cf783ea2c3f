//! What a definition is called.

use std::ops::Range;

use tree_sitter::Node;

use super::super::structure::Label;
use super::grammar::{Class, Grammar};
use super::languages::{Naming, Rule};

/// Definitions that may lie in one another without a body between, such as exported and decorated ones.
const WRAPPERS_MAX: usize = 8;
/// Declarators in one another, such as pointers to pointers.
const DECLARATORS_MAX: usize = 32;
/// How much of a node is looked at for a label.
const LABEL_SOURCE_BYTES_MAX: usize = 1 << 10;

/// A definition that was found at a node.
pub(super) struct Definition<'t> {
    /// The definition itself, which may lie inside of the node.
    pub(super) node: Node<'t>,
    pub(super) rule: &'static Rule,
    /// None when it has no name.
    pub(super) label: Option<Label>,
}

/// Returns the definition that a node is or wraps.
pub(super) fn definition<'t>(
    text: &str,
    grammar: &Grammar,
    node: Node<'t>,
) -> Option<Definition<'t>> {
    let mut node = node;
    for _ in 0..WRAPPERS_MAX {
        match grammar.class(node.kind_id()) {
            Class::Definition(rule) if rule.naming == Naming::Assignment => {
                // A namespace of TypeScript is an expression to its grammar.
                let first = node.named_child(0)?;
                if let Class::Definition(_) = grammar.class(first.kind_id()) {
                    node = first;
                    continue;
                }
                let label = label(text, node, rule);
                return label.is_some().then_some(Definition { node, rule, label });
            }
            Class::Definition(rule) => {
                let label = label(text, node, rule);
                let is_mention = rule.naming == Naming::WithBody && label.is_none();
                return (!is_mention).then_some(Definition { node, rule, label });
            }
            Class::Wrapper => node = wrapped(node)?,
            Class::Comment | Class::Attached | Class::Body | Class::Section | Class::Other => {
                return None;
            }
        }
    }
    None
}

fn wrapped(node: Node<'_>) -> Option<Node<'_>> {
    ["definition", "declaration", "value"]
        .into_iter()
        .find_map(|field| node.child_by_field_name(field))
        .or_else(|| {
            let last = u32::try_from(node.named_child_count().checked_sub(1)?).ok()?;
            node.named_child(last)
        })
}

fn label(text: &str, node: Node<'_>, rule: &'static Rule) -> Option<Label> {
    let named = |name: Node<'_>| Label::Named {
        keyword: rule.keyword,
        name: bounded(name),
    };
    match rule.naming {
        Naming::Field => node
            .child_by_field_name("name")
            .or_else(|| node.child_by_field_name("property"))
            .map(named),
        Naming::WithBody => node
            .child_by_field_name("body")
            .and_then(|_| node.child_by_field_name("name"))
            .map(named),
        Naming::Declarator => declared(node).map(named),
        Naming::Only => only(node).map(named),
        Naming::Assignment => assigned(node).map(named),
        Naming::Impl => {
            let words = |field| Some(slice(text, node.child_by_field_name(field)?));
            let of = words("type")?;
            Some(Label::Written(match words("trait") {
                Some(what) => format!("impl {what} for {of}"),
                None => format!("impl {of}"),
            }))
        }
        Naming::Receiver => {
            let receiver = slice(text, node.child_by_field_name("receiver")?);
            let receiver = receiver.trim_matches(['(', ')', ' ']);
            let of = receiver.split_whitespace().next_back().unwrap_or(receiver);
            let name = slice(text, node.child_by_field_name("name")?);
            Some(Label::Written(format!("func ({of}) {name}")))
        }
    }
}

fn bounded(node: Node<'_>) -> Range<usize> {
    let range = node.byte_range();
    range.start..range.end.min(range.start + LABEL_SOURCE_BYTES_MAX)
}

fn slice<'s>(text: &'s str, node: Node<'_>) -> &'s str {
    let range = bounded(node);
    text.get(range.start..text.floor_char_boundary(range.end))
        .unwrap_or_default()
}

/// Returns the name at the end of a chain of declarators.
fn declared(node: Node<'_>) -> Option<Node<'_>> {
    let mut declarator = node.child_by_field_name("declarator")?;
    for _ in 0..DECLARATORS_MAX {
        let inner = match declarator.kind() {
            "qualified_identifier" | "operator_cast" => return Some(declarator),
            "reference_declarator" | "parenthesized_declarator" | "attributed_declarator" => {
                declarator.named_child(0)
            }
            _ => declarator
                .child_by_field_name("declarator")
                .or_else(|| declarator.child_by_field_name("name")),
        };
        match inner {
            Some(inner) => declarator = inner,
            None => return Some(declarator),
        }
    }
    None
}

/// Returns the name of the only thing that is declared.
fn only(node: Node<'_>) -> Option<Node<'_>> {
    let is_only = node.named_child_count() == 1;
    let first = node.named_child(0).filter(|_| is_only)?;
    first
        .child_by_field_name("name")
        .filter(|name| name.named_child_count() == 0)
}

/// Returns what is assigned to, in a statement that is an assignment.
fn assigned(node: Node<'_>) -> Option<Node<'_>> {
    let assignment = node.named_child(0)?;
    let is_assignment = matches!(assignment.kind(), "assignment" | "assignment_expression");
    assignment
        .child_by_field_name("left")
        .filter(|_| is_assignment)
}
