//! Reads pickles as data: the tree that they describe, without making anything of it.
//!
//! Written after Python's `pickletools`, protocols 0 to 5. Nothing is looked up
//! or called: a class is a name, a call is the name with its arguments. Names of
//! other modules than those that points of Qdrant need are refused all the same,
//! because such a file is no store but an attack. Invariants: each step uses a
//! byte, so time and memory are bounded by the length; what is shared is turned
//! into JSON until that is as large as is allowed.

use serde_json::{Map, Value};

/// How deep a tree may be.
const DEPTH_MAX: usize = 64;
/// How large that may be which one tree is turned into, in bytes: a text that is shared counts each time.
const TREE_BYTES_MAX: usize = 64 << 20;
/// What a value counts beside its text.
const VALUE_BYTES: usize = 64;
/// The longest name of a module or class.
const NAME_BYTES_MAX: usize = 512;
/// The modules whose names may occur.
const MODULES: &[&str] = &[
    "qdrant_client",
    "numpy",
    "copyreg",
    "_codecs",
    "uuid",
    "datetime",
    "collections",
];
/// Functions of those modules that call others.
const REFUSED: &[&str] = &["f2py", "distutils", "testing", "ctypeslib"];

/// Why a pickle was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It names something that a point does not need.
    Foreign(String),
    /// It is damaged, or uses what is not known.
    Malformed,
}

/// A value, whose parts are places in [`Tree::nodes`].
#[derive(Clone, Debug, PartialEq)]
enum Node {
    Plain(Value),
    Bytes,
    List(Vec<usize>),
    Map(Vec<(usize, usize)>),
    Global(String, String),
    Object { class: usize, state: Option<usize> },
}

/// What a pickle describes.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    root: usize,
}

impl Tree {
    /// Returns the name of the class that the whole is of.
    pub(super) fn class(&self) -> Option<&str> {
        let Node::Object { class, .. } = self.nodes.get(self.root)? else {
            return None;
        };
        let Node::Global(_, name) = self.nodes.get(*class)? else {
            return None;
        };
        Some(name)
    }

    /// Returns a field of the whole, as JSON; objects in it stand for their fields.
    pub(super) fn field(&self, name: &str) -> Option<Value> {
        let mut left = TREE_BYTES_MAX;
        let Value::Object(mut fields) = self.value(self.root, 0, &mut left)? else {
            return None;
        };
        fields.remove(name)
    }

    fn value(&self, place: usize, depth: usize, left: &mut usize) -> Option<Value> {
        let node = self.nodes.get(place)?;
        let text_bytes = match node {
            Node::Plain(value) => value.as_str().map_or(0, str::len),
            Node::Bytes | Node::List(_) | Node::Map(_) | Node::Global(..) | Node::Object { .. } => {
                0
            }
        };
        *left = left.checked_sub(text_bytes.saturating_add(VALUE_BYTES))?;
        if depth > DEPTH_MAX {
            return None;
        }
        let mut inner = |place: usize| self.value(place, depth + 1, left);
        Some(match node {
            Node::Plain(value) => value.clone(),
            Node::Bytes | Node::Global(..) => Value::Null,
            Node::List(list) => {
                let values: Option<Vec<Value>> = list.iter().map(|place| inner(*place)).collect();
                Value::Array(values?)
            }
            Node::Map(pairs) => {
                let mut map = Map::new();
                for (key, value) in pairs {
                    let key = inner(*key)?;
                    let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
                    map.insert(key, inner(*value)?);
                }
                Value::Object(map)
            }
            Node::Object { state, .. } => {
                let mut state = state.map_or(Some(Value::Null), &mut inner)?;
                match state.get_mut("__dict__") {
                    Some(fields) => fields.take(),
                    None => state,
                }
            }
        })
    }
}

/// Reads a pickle.
pub(super) fn read(bytes: &[u8]) -> Result<Tree, Refusal> {
    let mut machine = Machine {
        bytes,
        nodes: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: Vec::new(),
    };
    machine.run().ok_or(Refusal::Malformed).and_then(|end| {
        let root = end?;
        Ok(Tree {
            nodes: machine.nodes,
            root,
        })
    })
}

struct Machine<'b> {
    bytes: &'b [u8],
    nodes: Vec<Node>,
    stack: Vec<usize>,
    marks: Vec<usize>,
    /// Values by number; numbers are given out in order by all picklers.
    memo: Vec<(u64, usize)>,
}

impl Machine<'_> {
    /// Runs to the end; none when the bytes make no sense.
    fn run(&mut self) -> Option<Result<usize, Refusal>> {
        loop {
            let code = *self.take(1)?.first()?;
            match code {
                b'.' => return self.stack.pop().map(Ok),
                b'c' | 0x93 => {
                    if let Err(name) = self.global(code)? {
                        return Some(Err(Refusal::Foreign(name)));
                    }
                }
                b'N' | 0x88 | 0x89 | b'J' | b'K' | b'M' | 0x8a | 0x8b | b'G' | b'I' | b'L'
                | b'F' => self.number(code)?,
                b'X' | 0x8c | 0x8d | b'T' | b'U' | b'B' | b'C' | 0x8e | 0x96 => {
                    self.string(code)?;
                }
                b'p' | b'q' | b'r' | 0x94 | b'g' | b'h' | b'j' => self.memo(code)?,
                b'R' | b'b' | 0x81 | 0x92 => self.object(code)?,
                _ => self.structure(code)?,
            }
        }
    }

    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }

    fn unsigned(&mut self, count: usize) -> Option<u64> {
        let bytes = self.take(count)?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0, |number, byte| number << 8 | u64::from(*byte)),
        )
    }

    fn length(&mut self, count: usize) -> Option<usize> {
        usize::try_from(self.unsigned(count)?).ok()
    }

    fn line(&mut self) -> Option<String> {
        let end = self.bytes.iter().position(|byte| *byte == b'\n')?;
        let line = String::from_utf8(self.take(end)?.to_vec()).ok()?;
        self.take(1)?;
        Some(line)
    }

    fn push(&mut self, node: Node) {
        self.stack.push(self.nodes.len());
        self.nodes.push(node);
    }

    /// Takes what is above the last mark.
    fn above(&mut self) -> Option<Vec<usize>> {
        let mark = self.marks.pop()?;
        (mark <= self.stack.len()).then(|| self.stack.split_off(mark))
    }

    fn global(&mut self, code: u8) -> Option<Result<(), String>> {
        let (module, name) = if code == b'c' {
            (self.line()?, self.line()?)
        } else {
            let (name, module) = (self.stack.pop()?, self.stack.pop()?);
            (self.text(module)?, self.text(name)?)
        };
        let mut parts = module.split('.');
        let is_known = parts.next().is_some_and(|part| MODULES.contains(&part))
            && !parts.any(|part| REFUSED.contains(&part));
        if !is_known {
            return Some(Err(format!("{module}.{name}")));
        }
        self.push(Node::Global(module, name));
        Some(Ok(()))
    }

    fn text(&self, place: usize) -> Option<String> {
        let Node::Plain(value) = self.nodes.get(place)? else {
            return None;
        };
        let name = value.as_str()?;
        (name.len() <= NAME_BYTES_MAX).then(|| name.to_owned())
    }

    fn number(&mut self, code: u8) -> Option<()> {
        let value = match code {
            b'N' => Value::Null,
            0x88 => Value::from(true),
            0x89 => Value::from(false),
            b'J' => {
                let number = u32::try_from(self.unsigned(4)?).ok()?;
                Value::from(number.cast_signed())
            }
            b'K' => Value::from(self.unsigned(1)?),
            b'M' => Value::from(self.unsigned(2)?),
            0x8a | 0x8b => {
                let length = self.length(if code == 0x8a { 1 } else { 4 })?;
                long(self.take(length)?)
            }
            b'G' => {
                let bytes = self.take(8)?.try_into().ok()?;
                Value::from(f64::from_be_bytes(bytes))
            }
            b'F' => Value::from(self.line()?.parse::<f64>().ok()?),
            _ => match self.line()?.trim_end_matches('L') {
                "01" => Value::from(true),
                "00" => Value::from(false),
                digits => Value::from(digits.parse::<i64>().ok()?),
            },
        };
        self.push(Node::Plain(value));
        Some(())
    }

    fn string(&mut self, code: u8) -> Option<()> {
        let length = self.length(match code {
            0x8c | b'U' | b'C' => 1,
            0x8d | 0x8e | 0x96 => 8,
            _ => 4,
        })?;
        let bytes = self.take(length)?;
        let node = match code {
            b'B' | b'C' | 0x8e | 0x96 => Node::Bytes,
            _ => Node::Plain(Value::from(std::str::from_utf8(bytes).ok()?)),
        };
        self.push(node);
        Some(())
    }

    fn memo(&mut self, code: u8) -> Option<()> {
        let number = match code {
            b'p' | b'g' => self.line()?.parse().ok()?,
            b'q' | b'h' => self.unsigned(1)?,
            b'r' | b'j' => self.unsigned(4)?,
            _ => self.memo.len() as u64,
        };
        let known = self.memo.binary_search_by_key(&number, |entry| entry.0);
        if matches!(code, b'g' | b'h' | b'j') {
            let (_, place) = *self.memo.get(known.ok()?)?;
            self.stack.push(place);
            return Some(());
        }
        let top = *self.stack.last()?;
        match known {
            Ok(at) => self.memo.get_mut(at)?.1 = top,
            // Numbers that do not rise would make this slow; no pickler gives them out.
            Err(at) if at == self.memo.len() => self.memo.push((number, top)),
            Err(_) => return None,
        }
        Some(())
    }

    fn object(&mut self, code: u8) -> Option<()> {
        let state = self.stack.pop()?;
        match code {
            b'b' => {
                let object = *self.stack.last()?;
                let Node::Object { state: slot, .. } = self.nodes.get_mut(object)? else {
                    return None;
                };
                *slot = Some(state);
            }
            0x92 => {
                // The arguments by name, which were popped, say nothing that is needed.
                self.stack.pop()?;
                let class = self.stack.pop()?;
                self.push(Node::Object { class, state: None });
            }
            _ => {
                let class = self.stack.pop()?;
                self.push(Node::Object { class, state: None });
            }
        }
        Some(())
    }

    fn structure(&mut self, code: u8) -> Option<()> {
        match code {
            0x80 => drop(self.take(1)?),
            0x95 => drop(self.take(8)?),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.stack.pop()?),
            b'1' => drop(self.above()?),
            b'2' => self.stack.push(*self.stack.last()?),
            b']' | b')' | 0x8f => self.push(Node::List(Vec::new())),
            b'}' => self.push(Node::Map(Vec::new())),
            b'l' | b't' | 0x91 => {
                let list = self.above()?;
                self.push(Node::List(list));
            }
            0x85..=0x87 => {
                let count = usize::from(code - 0x84);
                let from = self.stack.len().checked_sub(count)?;
                let list = self.stack.split_off(from);
                self.push(Node::List(list));
            }
            b'd' => {
                let pairs = pairs(&self.above()?)?;
                self.push(Node::Map(pairs));
            }
            b'a' => {
                let item = self.stack.pop()?;
                self.extend(vec![item])?;
            }
            b'e' | 0x90 => {
                let items = self.above()?;
                self.extend(items)?;
            }
            b's' => {
                let from = self.stack.len().checked_sub(2)?;
                let items = self.stack.split_off(from);
                self.insert(&items)?;
            }
            b'u' => {
                let items = self.above()?;
                self.insert(&items)?;
            }
            _ => return None,
        }
        Some(())
    }

    fn extend(&mut self, items: Vec<usize>) -> Option<()> {
        let Node::List(list) = self.nodes.get_mut(*self.stack.last()?)? else {
            return None;
        };
        list.extend(items);
        Some(())
    }

    fn insert(&mut self, items: &[usize]) -> Option<()> {
        let pairs = pairs(items)?;
        let Node::Map(map) = self.nodes.get_mut(*self.stack.last()?)? else {
            return None;
        };
        map.extend(pairs);
        Some(())
    }
}

fn pairs(items: &[usize]) -> Option<Vec<(usize, usize)>> {
    items
        .chunks(2)
        .map(|pair| match pair {
            [key, value] => Some((*key, *value)),
            _ => None,
        })
        .collect()
}

/// Returns a whole number of up to eight bytes, with its sign; a longer one is not kept.
fn long(bytes: &[u8]) -> Value {
    if bytes.len() > 8 {
        return Value::Null;
    }
    let fill = match bytes.last() {
        Some(last) if last & 0x80 != 0 => 0xff,
        _ => 0,
    };
    let mut number = [fill; 8];
    for (to, from) in number.iter_mut().zip(bytes) {
        *to = *from;
    }
    Value::from(i64::from_le_bytes(number))
}

#[cfg(test)]
mod tests;
