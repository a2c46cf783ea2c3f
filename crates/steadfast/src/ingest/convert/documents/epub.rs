//! EPUB: the chapters of its spine, in order, each converted like a page.
//!
//! After EPUB 3.3: `META-INF/container.xml` names the package document, whose
//! manifest lists files and whose spine puts them in order.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use steadfast_model::Timestamp;

use super::archive::Archive;
use super::{Converted, Failure, html, one_line};
use crate::ingest::convert::html::events::{Sink, Syntax, Tag, tell};

pub(super) fn text(bytes: &[u8]) -> Result<Converted, Failure> {
    let mut archive = Archive::open(bytes)?;
    let container = archive
        .text("META-INF/container.xml")?
        .ok_or_else(|| Failure::malformed("it has no `META-INF/container.xml`"))?;
    let root = tell(&container, Syntax::Xhtml, Container::default()).root;
    let root = root.ok_or_else(|| Failure::malformed("it names no package document"))?;
    let package = archive
        .text(&root)?
        .ok_or_else(|| Failure::malformed(format!("it has no `{root}`")))?;
    let package = tell(&package, Syntax::Xhtml, Package::default());
    let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut text = String::new();
    let mut read = HashSet::new();
    for id in &package.spine {
        let Some(href) = package.manifest.get(id) else {
            continue;
        };
        // A spine lists no chapter twice (EPUB 3.3, `itemref`); one that does could ask for an empty one without end.
        let name = resolved(folder, href);
        if !read.insert(name.clone()) {
            continue;
        }
        // A chapter that is listed and not there is missing text, and that must not go unsaid.
        let chapter = archive
            .text(&name)?
            .ok_or_else(|| Failure::malformed(format!("it has no `{name}`")))?;
        let chapter = html::markdown(&chapter).text;
        if !chapter.is_empty() && !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&chapter);
    }
    Ok(Converted {
        text,
        title: one_line(&package.title),
        time: Timestamp::parse(package.date.trim()).ok(),
    })
}

/// Returns the name of an entry that a package document in `folder` refers to.
fn resolved(folder: &str, href: &str) -> String {
    let href = href.split('#').next().unwrap_or_default();
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in href.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    unescaped(&parts.join("/"))
}

/// Returns a path without `%XX`.
fn unescaped(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        let digits = behind.get(..2).filter(|_| byte == b'%');
        let value = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match value {
            Some(value) => {
                bytes.push(value);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The name of the package document.
#[derive(Default)]
struct Container {
    root: Option<String>,
}

impl Sink for Container {
    fn open(&mut self, tag: &Tag<'_>) {
        if tag.name == b"rootfile" && self.root.is_none() {
            self.root = tag.attribute("full-path").map(str::to_owned);
        }
    }

    fn close(&mut self, _: &[u8], _: Range<usize>) {}

    fn text(&mut self, _: &str, _: Range<usize>) {}
}

/// What a package document says.
#[derive(Default)]
struct Package {
    manifest: HashMap<String, String>,
    spine: Vec<String>,
    title: String,
    date: String,
    within: Within,
}

/// The element whose text is being read.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Within {
    #[default]
    Other,
    Title,
    Date,
}

impl Sink for Package {
    fn open(&mut self, tag: &Tag<'_>) {
        // A prefix is free to choose, and some have none.
        let name = tag.name.rsplit(|&byte| byte == b':').next();
        self.within = match name {
            Some(b"title") if self.title.is_empty() => Within::Title,
            Some(b"date") if self.date.is_empty() => Within::Date,
            _ => Within::Other,
        };
        match name {
            Some(b"item") => {
                if let (Some(id), Some(href)) = (tag.attribute("id"), tag.attribute("href")) {
                    self.manifest.insert(id.to_owned(), href.to_owned());
                }
            }
            Some(b"itemref") => self.spine.extend(tag.attribute("idref").map(str::to_owned)),
            _ => {}
        }
    }

    fn close(&mut self, _: &[u8], _: Range<usize>) {
        self.within = Within::Other;
    }

    fn text(&mut self, text: &str, _: Range<usize>) {
        match self.within {
            Within::Title => self.title.push_str(text),
            Within::Date => self.date.push_str(text),
            Within::Other => {}
        }
    }
}
