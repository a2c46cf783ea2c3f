//! The kind of a text, its language and its format, by the extension of its source.

use steadfast_model::Kind;

const MARKDOWN: &str = "markdown md mdc mdown mdwn mdx mkd mkdn qmd rmd";
const CODE: &str = "ada adb ads asm astro awk bash bat bzl c cc cl clj cljc cljs cmake cmd coffee \
    cpp cr cs css cu cuh cxx d dart dockerfile edn el elm erl ex exs f f03 f90 f95 fish fs fsi \
    fsx glsl go gradle graphql groovy h hbs hh hlsl hpp hrl hs hxx inl ino java jl js jsx kt kts \
    less lisp lua m mak metal mjs mk ml mli mm mts cjs cts nim nix nu odin pas php pl pm \
    prisma proto ps1 psm1 purs py pyi pyx r rake rb rkt rs s sass scala scm scss sh sol sql \
    svelte swift tcl tf thrift ts tsx v vb vhd vhdl vim vue wat wgsl xsl zig zsh";
const DATA: &str = "atom cfg conf csv env geojson har ics ini ipynb json json5 jsonc jsonl \
    jsonld kml ldif lock ndjson plist po pot properties rss srt svg toml topojson tsv vcf vtt \
    xlf xmp xml xsd yaml yml";
/// Files known by their whole name.
const CODE_NAMES: &str = "build dockerfile gemfile gnumakefile jenkinsfile justfile makefile \
    rakefile vagrantfile workspace";

/// What the text of a source is written in, as far as it decides where the text is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Syntax {
    /// Nothing that is known by more than its blank lines.
    #[default]
    Plain,
    /// A programming language with a grammar.
    Language(Language),
    /// A data format with a scanner.
    Format(Format),
}

/// A programming language with a grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// C; a file that holds C++ is found out by its text.
    C,
    /// C++, also for graphics processors.
    Cpp,
    /// Go.
    Go,
    /// Java.
    Java,
    /// JavaScript, also with JSX.
    JavaScript,
    /// Python and its stubs.
    Python,
    /// Rust.
    Rust,
    /// TypeScript with JSX.
    Tsx,
    /// TypeScript.
    TypeScript,
}

/// A data format with a scanner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Values separated by commas, semicolons or tabs.
    Csv,
    /// Sections and keys.
    Ini,
    /// JSON, also with comments.
    Json,
    /// One JSON value a line.
    JsonLines,
    /// TOML.
    Toml,
    /// YAML.
    Yaml,
}

const LANGUAGES: &[(Language, &str)] = &[
    (Language::C, "c h"),
    (Language::Cpp, "cc cpp cu cuh cxx hh hpp hxx inl ino"),
    (Language::Go, "go"),
    (Language::Java, "java"),
    (Language::JavaScript, "cjs js jsx mjs"),
    (Language::Python, "py pyi"),
    (Language::Rust, "rs"),
    (Language::Tsx, "tsx"),
    (Language::TypeScript, "cts mts ts"),
];
const FORMATS: &[(Format, &str)] = &[
    (Format::Csv, "csv tsv"),
    (Format::Ini, "cfg ini"),
    (
        Format::Json,
        "geojson har ipynb json json5 jsonc jsonld topojson",
    ),
    (Format::JsonLines, "jsonl ndjson"),
    (Format::Toml, "toml"),
    (Format::Yaml, "yaml yml"),
];
/// Files whose format is known by their whole name alone.
const TOML_NAMES: &str = "cargo.lock poetry.lock uv.lock pdm.lock";
const JSON_NAMES: &str = "composer.lock deno.lock flake.lock pipfile.lock";

/// Returns the kind of text a source holds, by its extension or whole name; without one it is text.
pub fn kind_of(source: &str) -> Kind {
    let name = name_of(source);
    match name.rsplit_once('.') {
        Some((_, extension)) if is_one_of(MARKDOWN, extension) => Kind::Markdown,
        Some((_, extension)) if is_one_of(CODE, extension) => Kind::Code,
        Some((_, extension)) if is_one_of(DATA, extension) => Kind::Data,
        None if is_one_of(CODE_NAMES, name) => Kind::Code,
        _ => Kind::Text,
    }
}

/// Returns the language or format a source is written in, by its extension or whole name.
pub fn syntax_of(source: &str) -> Syntax {
    let name = name_of(source);
    if is_one_of(TOML_NAMES, name) {
        return Syntax::Format(Format::Toml);
    }
    if is_one_of(JSON_NAMES, name) {
        return Syntax::Format(Format::Json);
    }
    let Some((_, extension)) = name.rsplit_once('.') else {
        return Syntax::Plain;
    };
    let language = LANGUAGES
        .iter()
        .find(|(_, known)| is_one_of(known, extension))
        .map(|(language, _)| Syntax::Language(*language));
    let format = FORMATS
        .iter()
        .find(|(_, known)| is_one_of(known, extension))
        .map(|(format, _)| Syntax::Format(*format));
    language.or(format).unwrap_or_default()
}

fn name_of(source: &str) -> &str {
    source.rsplit(['/', '\\']).next().unwrap_or_default()
}

fn is_one_of(known: &str, name: &str) -> bool {
    known
        .split_ascii_whitespace()
        .any(|known| known.eq_ignore_ascii_case(name))
}
