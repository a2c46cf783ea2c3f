//! The kind of a text by the extension of its source.

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

/// Returns the kind of text a source holds, by its extension or whole name; without one it is text.
pub fn kind_of(source: &str) -> Kind {
    let is_one_of = |known: &str, name: &str| {
        known
            .split_ascii_whitespace()
            .any(|known| known.eq_ignore_ascii_case(name))
    };
    let name = source.rsplit(['/', '\\']).next().unwrap_or_default();
    match name.rsplit_once('.') {
        Some((_, extension)) if is_one_of(MARKDOWN, extension) => Kind::Markdown,
        Some((_, extension)) if is_one_of(CODE, extension) => Kind::Code,
        Some((_, extension)) if is_one_of(DATA, extension) => Kind::Data,
        None if is_one_of(CODE_NAMES, name) => Kind::Code,
        _ => Kind::Text,
    }
}
