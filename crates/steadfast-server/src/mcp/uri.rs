//! Addresses of what is stored: `steadfast://chunk/<id>` and `steadfast://source/<namespace>/<source>`.
//!
//! Every character that means something in a URI is encoded, so a source, which
//! may be a path or hold anything, is one part of its address. `?from=N` begins
//! at a place in the source.

use std::fmt::Write as _;

use steadfast::model::Namespace;

const CHUNK: &str = "steadfast://chunk/";
const SOURCE: &str = "steadfast://source/";
const FROM: &str = "?from=";

/// The templates of both, in the syntax of RFC 6570.
pub(super) const CHUNK_TEMPLATE: &str = "steadfast://chunk/{id}";
pub(super) const SOURCE_TEMPLATE: &str = "steadfast://source/{namespace}/{source}{?from}";

/// What an address names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// A chunk.
    Chunk(String),
    /// A source, from a place on.
    Source {
        namespace: Namespace,
        source: String,
        from: u32,
    },
}

/// Returns the address of a chunk.
pub(super) fn chunk(id: &str) -> String {
    format!("{CHUNK}{}", encoded(id))
}

/// Returns the address of a source.
pub(super) fn source(namespace: &Namespace, source: &str) -> String {
    format!(
        "{SOURCE}{}/{}",
        encoded(namespace.as_str()),
        encoded(source)
    )
}

/// Returns the address of a source from a place on.
pub(super) fn source_from(namespace: &Namespace, name: &str, from: u32) -> String {
    format!("{}{FROM}{from}", source(namespace, name))
}

/// Reads an address; none for what is no address of ours.
pub(super) fn parse(uri: &str) -> Option<Address> {
    if let Some(id) = uri.strip_prefix(CHUNK) {
        return Some(Address::Chunk(decoded(id)?));
    }
    let rest = uri.strip_prefix(SOURCE)?;
    let (rest, from) = match rest.split_once(FROM) {
        Some((rest, from)) => (rest, from.parse().ok()?),
        None => (rest, 0),
    };
    let (namespace, source) = rest.split_once('/')?;
    Some(Address::Source {
        namespace: Namespace::new(decoded(namespace)?).ok()?,
        source: decoded(source)?,
        from,
    })
}

fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _written = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes().iter();
    while let Some(&byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(*rest.next()?).to_digit(16);
            let (high, low) = (digit()?, digit()?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_address_is_none() {
        for uri in [
            "",
            "steadfast://",
            "steadfast://chunk",
            "steadfast://source/default",
            "steadfast://source//x",
            "steadfast://source/a%0/x",
            "steadfast://source/a/%ff",
            "steadfast://source/a/x?from=-1",
            "file:///etc/passwd",
        ] {
            assert_eq!(parse(uri), None, "{uri}");
        }
    }

    proptest! {
        #[test]
        fn an_address_leads_back(name in "\\PC{1,20}", place in ".{0,40}", from in any::<u32>()) {
            let namespace = Namespace::new(name).unwrap();
            let there = |from| Address::Source { namespace: namespace.clone(), source: place.clone(), from };
            prop_assert_eq!(parse(&source(&namespace, &place)), Some(there(0)));
            prop_assert_eq!(parse(&source_from(&namespace, &place, from)), Some(there(from)));
            prop_assert_eq!(parse(&chunk(&place)), Some(Address::Chunk(place)));
        }
    }
}
