//! Secrets whose bounds an expression does not tell well: private keys in
//! blocks of lines, and passwords in addresses.

use std::ops::Range;

use super::check;

/// The longest block that is looked for its end; RSA keys of 16,384 bits have 13 KiB.
const BLOCK_BYTES_MAX: usize = 64 << 10;

/// The longest name of a block, with its closing dashes.
const LABEL_BYTES_MAX: usize = 72;

/// The most lines in a row that are not of the key itself: blank ones, and those that say how it is
/// encrypted. The two characters of a line end of Windows make two lines.
const OTHER_LINES_MAX: usize = 16;

/// The least base64 in a key; less is somebody writing about keys.
const KEY_BYTES_LEAST: usize = 40;

/// The longest user with password in an address.
const USER_BYTES_MAX: usize = 512;

/// Finds a private key: in PEM, of OpenSSH, PGP or `PuTTY`, also one without its end.
pub(super) fn private_key(text: &str, at: Range<usize>) -> Option<Range<usize>> {
    let behind = text.get(at.end..)?;
    if text.get(at.clone())? == "Private-Lines:" {
        let line_bytes = behind
            .get(..behind.floor_char_boundary(LABEL_BYTES_MAX))?
            .find('\n')?;
        let body = at.end + line_bytes + 1;
        return key_lines(text, body).map(|end| body..end);
    }
    let label_bytes = behind
        .get(..behind.floor_char_boundary(LABEL_BYTES_MAX))?
        .find("-----")?;
    let label = behind.get(..label_bytes)?;
    if !label.contains("PRIVATE KEY") {
        return None;
    }
    let body = at.end + label_bytes + 5;
    let limit = text.floor_char_boundary(body.saturating_add(BLOCK_BYTES_MAX));
    let block = text.get(body..limit)?;
    let next = block.find("-----BEGIN ").unwrap_or(block.len());
    let close = block
        .get(..next)
        .and_then(|inside| Some((inside, inside.find("-----END ")?)));
    if let Some((inside, close)) = close {
        if base64_bytes(inside.get(..close)?) < KEY_BYTES_LEAST {
            return None;
        }
        let mark = inside.get(close + 9..)?;
        let end = mark
            .get(..mark.floor_char_boundary(LABEL_BYTES_MAX))?
            .find("-----")?;
        return Some(at.start..body + close + 9 + end + 5);
    }
    key_lines(text, body).map(|end| at.start..end)
}

/// Counts what can belong to a key: line ends written as two characters and what stands before lines are not counted.
fn base64_bytes(block: &str) -> usize {
    block
        .split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')))
        .map(str::len)
        .filter(|bytes| *bytes >= 16)
        .sum()
}

/// Returns the end of the lines of a key that start at `body`, when there are enough of them.
fn key_lines(text: &str, body: usize) -> Option<usize> {
    let limit = text.floor_char_boundary(body.saturating_add(BLOCK_BYTES_MAX));
    let block = text.get(body..limit)?;
    let (mut end, mut key_bytes, mut offset, mut others) = (0, 0, 0, 0);
    for line in block.split_inclusive(['\n', '\r']) {
        super::run::looked(line.len());
        let inside = line
            .trim_matches(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '/' | '='));
        let base64 = base64_bytes(inside);
        let is_header = key_bytes == 0 && inside.contains(": ");
        let is_last = !inside.is_empty() && inside.len() < 64 && inside.len() >= 2 && base64 == 0;
        let is_tail = key_bytes > 0
            && is_last
            && inside
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
        if base64 * 5 >= inside.len() * 4 && base64 > 0 || is_tail {
            key_bytes += inside.len();
            end = offset + line.trim_end().len();
            others = 0;
        } else if (inside.is_empty() || is_header) && others < OTHER_LINES_MAX {
            others += 1;
        } else {
            break;
        }
        offset += line.len();
        if is_tail {
            break;
        }
    }
    (key_bytes >= KEY_BYTES_LEAST).then_some(body + end)
}

/// Finds the password in `scheme://user:PASSWORD@host`.
pub(super) fn url_password(text: &str, at: Range<usize>) -> Option<Range<usize>> {
    let before = text.as_bytes().get(..at.start)?.last()?;
    if !before.is_ascii_alphanumeric() {
        return None;
    }
    let limit = text.floor_char_boundary(at.end.saturating_add(USER_BYTES_MAX));
    let rest = text.get(at.end..limit)?;
    let is_end =
        |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | '|' | '\\' | ',');
    let whole = rest.get(..rest.find(is_end).unwrap_or(rest.len()))?;
    let authority = whole.split('/').next()?;
    // The last one: a password may hold the sign although it should be written as %40.
    let (login, host) = match authority.rsplit_once('@') {
        Some(parts) => parts,
        None => with_slash(text.get(..at.start)?, whole, authority)?,
    };
    let (user, password) = login.split_once(':')?;
    // With a question mark it is the query that holds both signs; an image has its version and its hash there.
    if host.is_empty() || user == password || user.contains('?') || host.starts_with("sha256") {
        return None;
    }
    let start = at.end + user.len() + 1;
    Some(start..start + password.len())
}

/// Returns login and host of the address of a database whose password holds a slash, which should be written as %2F.
fn with_slash<'t>(before: &str, whole: &'t str, authority: &str) -> Option<(&'t str, &'t str)> {
    const SCHEMES: &[&str] = &[
        "postgres",
        "postgresql",
        "mysql",
        "mariadb",
        "mongodb",
        "redis",
        "rediss",
        "amqp",
        "amqps",
    ];
    let scheme = before.rsplit(|c: char| !c.is_ascii_alphanumeric()).next()?;
    let (_, behind) = authority.split_once(':')?;
    let is_port = behind.bytes().all(|byte| byte.is_ascii_digit());
    if is_port || !SCHEMES.contains(&scheme) {
        return None;
    }
    let parts = whole.split_once('@')?;
    let (_, password) = parts.0.split_once(':')?;
    check::password(password).then_some(parts)
}

/// Finds a token of Airtable: its literal begins many words, so its dot is looked at first.
pub(super) fn airtable(text: &str, at: Range<usize>) -> Option<Range<usize>> {
    const ID_BYTES: usize = 14;
    const KEY_BYTES: usize = 64;
    let bytes = text.as_bytes();
    let dot = at.end + ID_BYTES;
    if bytes.get(dot) != Some(&b'.') {
        return None;
    }
    let key = bytes.get(dot + 1..dot + 1 + KEY_BYTES)?;
    let is_token = bytes
        .get(at.end..dot)?
        .iter()
        .all(u8::is_ascii_alphanumeric)
        && key.iter().all(u8::is_ascii_hexdigit);
    is_token.then_some(at.start..dot + 1 + KEY_BYTES)
}
