//! What each element is to a converter.

use super::survey::is_code;

/// What an element is to a converter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    /// It stands in the line.
    Inline,
    /// It stands in lines of its own.
    Line,
    /// It stands apart.
    Block,
    Break,
    Heading(u8),
    List {
        ordered: bool,
    },
    Item,
    Definition,
    Quote,
    /// Text that is shown as it stands.
    Code,
    CodeSpan,
    Table,
    Row,
    Cell,
    Link,
    Image,
    Title,
    Meta,
    /// What it holds is not for readers.
    Noise,
    Navigation,
}

/// Returns what an element is, by its name in lower case.
pub(super) fn element(name: &[u8]) -> Element {
    match name {
        b"br" => Element::Break,
        b"h1" => Element::Heading(1),
        b"h2" => Element::Heading(2),
        b"h3" => Element::Heading(3),
        b"h4" => Element::Heading(4),
        b"h5" => Element::Heading(5),
        b"h6" => Element::Heading(6),
        b"ul" | b"menu" | b"dir" => Element::List { ordered: false },
        b"ol" => Element::List { ordered: true },
        b"li" => Element::Item,
        b"dd" => Element::Definition,
        b"blockquote" => Element::Quote,
        name if is_code(name) => Element::Code,
        b"code" | b"kbd" | b"samp" | b"tt" => Element::CodeSpan,
        b"table" => Element::Table,
        b"tr" => Element::Row,
        b"td" | b"th" => Element::Cell,
        b"a" => Element::Link,
        b"img" => Element::Image,
        b"title" => Element::Title,
        b"meta" => Element::Meta,
        b"nav" => Element::Navigation,
        b"script" | b"style" | b"template" | b"svg" | b"iframe" | b"noembed" | b"noframes" => {
            Element::Noise
        }
        b"dt" | b"option" | b"optgroup" | b"legend" | b"rp" | b"rt" => Element::Line,
        b"address" | b"article" | b"aside" | b"body" | b"caption" | b"center" | b"details"
        | b"dialog" | b"div" | b"dl" | b"fieldset" | b"figcaption" | b"figure" | b"footer"
        | b"form" | b"frameset" | b"head" | b"header" | b"hgroup" | b"hr" | b"html" | b"main"
        | b"noscript" | b"p" | b"search" | b"section" | b"summary" | b"tbody" | b"textarea"
        | b"tfoot" | b"thead" => Element::Block,
        _ => Element::Inline,
    }
}
