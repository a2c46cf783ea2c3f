//! What the kinds of nodes of each grammar are to the cutting of chunks.

use tree_sitter::Language as Parsed;

use super::super::Language;

/// How far a definition reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// It holds further definitions, and is taken apart as soon as it is longer than the target.
    Container,
    /// It holds statements, and is kept whole as long as it may be.
    Leaf,
    /// It is a symbol only where it is no local matter of a [`Reach::Leaf`].
    Value,
}

/// Where the name of a definition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// In its field `name` or `property`.
    Field,
    /// In its field `name`, when it has a body; otherwise it is a mention.
    WithBody,
    /// At the end of a chain of declarators.
    Declarator,
    /// In the only declaration it holds.
    Only,
    /// On the left of the assignment it is.
    Assignment,
    /// It is an `impl` of Rust.
    Impl,
    /// It is a method of Go.
    Receiver,
}

/// What certain kinds of nodes are called.
pub(super) struct Rule {
    /// The kinds, separated by spaces.
    pub(super) kinds: &'static str,
    pub(super) keyword: &'static str,
    pub(super) naming: Naming,
    pub(super) reach: Reach,
}

const fn rule(kinds: &'static str, keyword: &'static str, naming: Naming, reach: Reach) -> Rule {
    Rule {
        kinds,
        keyword,
        naming,
        reach,
    }
}

/// Kinds of nodes that are the same to all languages that have them.
pub(super) const COMMENTS: &str = "comment line_comment block_comment html_comment";
/// They belong to the definition behind them.
pub(super) const ATTACHED: &str = "attribute_item decorator access_specifier";
/// The definition is inside, in a field or as the last child.
pub(super) const WRAPPERS: &str =
    "decorated_definition export_statement template_declaration ambient_declaration";
/// They hold definitions and have no name.
pub(super) const SECTIONS: &str = "preproc_if preproc_ifdef preproc_else preproc_elif \
    linkage_specification foreign_mod_item";
/// Endings of the kinds that go on with the node they stand in.
pub(super) const BODIES: [&str; 5] = [
    "block",
    "_body",
    "compound_statement",
    "declaration_list",
    "_variant_list",
];

const C: &[Rule] = &[
    rule("function_definition", "", Naming::Declarator, Reach::Leaf),
    rule("struct_specifier", "struct", Naming::WithBody, Reach::Leaf),
    rule("union_specifier", "union", Naming::WithBody, Reach::Leaf),
    rule("enum_specifier", "enum", Naming::WithBody, Reach::Leaf),
    rule(
        "type_definition",
        "typedef",
        Naming::Declarator,
        Reach::Leaf,
    ),
    rule("declaration", "", Naming::Declarator, Reach::Value),
    rule(
        "preproc_def preproc_function_def",
        "#define",
        Naming::Field,
        Reach::Value,
    ),
];
const CPP: &[Rule] = &[
    rule("function_definition", "", Naming::Declarator, Reach::Leaf),
    rule(
        "class_specifier",
        "class",
        Naming::WithBody,
        Reach::Container,
    ),
    rule(
        "struct_specifier",
        "struct",
        Naming::WithBody,
        Reach::Container,
    ),
    rule(
        "union_specifier",
        "union",
        Naming::WithBody,
        Reach::Container,
    ),
    rule("enum_specifier", "enum", Naming::WithBody, Reach::Leaf),
    rule(
        "namespace_definition",
        "namespace",
        Naming::Field,
        Reach::Container,
    ),
    rule("concept_definition", "concept", Naming::Field, Reach::Value),
    rule("alias_declaration", "using", Naming::Field, Reach::Value),
    rule(
        "type_definition",
        "typedef",
        Naming::Declarator,
        Reach::Leaf,
    ),
    rule(
        "declaration field_declaration",
        "",
        Naming::Declarator,
        Reach::Value,
    ),
    rule(
        "preproc_def preproc_function_def",
        "#define",
        Naming::Field,
        Reach::Value,
    ),
];
const GO: &[Rule] = &[
    rule("function_declaration", "func", Naming::Field, Reach::Leaf),
    rule("method_declaration", "func", Naming::Receiver, Reach::Leaf),
    rule("type_declaration", "type", Naming::Only, Reach::Leaf),
    rule("const_declaration", "const", Naming::Only, Reach::Value),
    rule("var_declaration", "var", Naming::Only, Reach::Value),
];
const JAVA: &[Rule] = &[
    rule(
        "class_declaration",
        "class",
        Naming::Field,
        Reach::Container,
    ),
    rule(
        "interface_declaration",
        "interface",
        Naming::Field,
        Reach::Container,
    ),
    rule("enum_declaration", "enum", Naming::Field, Reach::Container),
    rule(
        "record_declaration",
        "record",
        Naming::Field,
        Reach::Container,
    ),
    rule(
        "annotation_type_declaration",
        "@interface",
        Naming::Field,
        Reach::Leaf,
    ),
    rule("module_declaration", "module", Naming::Field, Reach::Leaf),
    rule(
        "method_declaration constructor_declaration compact_constructor_declaration",
        "",
        Naming::Field,
        Reach::Leaf,
    ),
    rule(
        "field_declaration constant_declaration",
        "",
        Naming::Declarator,
        Reach::Value,
    ),
];
/// JavaScript, and what TypeScript adds.
const JAVASCRIPT: &[Rule] = &[
    rule(
        "function_declaration generator_function_declaration function_signature",
        "function",
        Naming::Field,
        Reach::Leaf,
    ),
    rule(
        "class_declaration abstract_class_declaration",
        "class",
        Naming::Field,
        Reach::Container,
    ),
    rule(
        "internal_module",
        "namespace",
        Naming::Field,
        Reach::Container,
    ),
    rule("module", "module", Naming::Field, Reach::Container),
    rule(
        "interface_declaration",
        "interface",
        Naming::Field,
        Reach::Leaf,
    ),
    rule("enum_declaration", "enum", Naming::Field, Reach::Leaf),
    rule(
        "type_alias_declaration",
        "type",
        Naming::Field,
        Reach::Value,
    ),
    rule(
        "method_definition method_signature abstract_method_signature",
        "",
        Naming::Field,
        Reach::Leaf,
    ),
    rule(
        "field_definition public_field_definition",
        "",
        Naming::Field,
        Reach::Value,
    ),
    rule(
        "lexical_declaration variable_declaration",
        "",
        Naming::Only,
        Reach::Value,
    ),
    rule("expression_statement", "", Naming::Assignment, Reach::Value),
];
const PYTHON: &[Rule] = &[
    rule("function_definition", "def", Naming::Field, Reach::Leaf),
    rule("class_definition", "class", Naming::Field, Reach::Container),
    rule("type_alias_statement", "type", Naming::Only, Reach::Value),
    rule("expression_statement", "", Naming::Assignment, Reach::Value),
];
const RUST: &[Rule] = &[
    rule(
        "function_item function_signature_item",
        "fn",
        Naming::Field,
        Reach::Leaf,
    ),
    rule("struct_item", "struct", Naming::Field, Reach::Leaf),
    rule("enum_item", "enum", Naming::Field, Reach::Leaf),
    rule("union_item", "union", Naming::Field, Reach::Leaf),
    rule("trait_item", "trait", Naming::Field, Reach::Container),
    rule("impl_item", "impl", Naming::Impl, Reach::Container),
    rule("mod_item", "mod", Naming::Field, Reach::Container),
    rule(
        "macro_definition",
        "macro_rules!",
        Naming::Field,
        Reach::Leaf,
    ),
    rule("const_item", "const", Naming::Field, Reach::Value),
    rule("static_item", "static", Naming::Field, Reach::Value),
    rule("type_item", "type", Naming::Field, Reach::Value),
];

/// Returns the rules of a language.
pub(super) fn rules(language: Language) -> &'static [Rule] {
    match language {
        Language::C => C,
        Language::Cpp => CPP,
        Language::Go => GO,
        Language::Java => JAVA,
        Language::JavaScript | Language::Tsx | Language::TypeScript => JAVASCRIPT,
        Language::Python => PYTHON,
        Language::Rust => RUST,
    }
}

/// Returns the grammar of a language.
pub(super) fn parsed(language: Language) -> Parsed {
    match language {
        Language::C => tree_sitter_c::LANGUAGE.into(),
        Language::Cpp => tree_sitter_cpp::LANGUAGE.into(),
        Language::Go => tree_sitter_go::LANGUAGE.into(),
        Language::Java => tree_sitter_java::LANGUAGE.into(),
        Language::JavaScript => tree_sitter_javascript::LANGUAGE.into(),
        Language::Python => tree_sitter_python::LANGUAGE.into(),
        Language::Rust => tree_sitter_rust::LANGUAGE.into(),
        Language::Tsx => tree_sitter_typescript::LANGUAGE_TSX.into(),
        Language::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
    }
}
