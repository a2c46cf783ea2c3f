//! Reads `index_metadata.pickle`, the map of ids to labels beside a vector index, without running anything.
//!
//! A pickle is a program for a stack machine. Only the instructions that build
//! texts, numbers, lists and maps are known here, and one class, that of
//! Chroma 0.4 to 0.6, which is taken as the map of its fields. Everything else
//! is refused by name, above all the instructions that call. The opcodes are
//! those of `pickletools.py` of Python 3. What is deliberately not here: floats
//! and shared structure that is not needed for this file.

use std::collections::HashMap;

/// The one class that is known.
const CLASS: (&str, &str) = (
    "chromadb.segment.impl.vector.local_persistent_hnsw",
    "PersistentData",
);
/// How many values may lie on the stack.
const STACK_MAX: usize = 1 << 24;
/// How many lists and maps may lie in each other: the fields hold maps of plain values.
const NESTED_MAX: usize = 4;
/// How often the length of the file may be copied from and to the memory: a file of Chroma's copies each id twice.
const COPIES_MAX: usize = 8;
/// How much of a text is quoted when it is refused.
const QUOTED_CHARS_MAX: usize = 80;

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct IdMap {
    /// The label of each id, where both directions of the map agree on it.
    pub(crate) labels: HashMap<String, u64>,
    /// Ids on which they do not.
    pub(crate) doubtful: u64,
    /// The last operation that is in the index, where the file says so: until Chroma 0.5.
    pub(crate) seq: Option<i64>,
}

#[derive(Clone, Debug)]
enum Value {
    None,
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
    Map(Vec<(Value, Value)>),
    List(Vec<Value>),
    /// A list or map on the way: what follows belongs to it.
    Mark,
    Class,
    /// A number of the memory of things seen before.
    Copied(usize),
}

impl Value {
    /// Returns whether more lists and maps than that lie in each other here. What is in them was asked already, so this
    /// goes no deeper than one level more.
    fn is_deeper(&self, levels: usize) -> bool {
        let below = |value: &Self| value.is_deeper(levels.saturating_sub(1));
        match self {
            Self::List(list) => levels == 0 || list.iter().any(below),
            Self::Map(pairs) => {
                levels == 0 || pairs.iter().any(|(key, value)| below(key) || below(value))
            }
            Self::None
            | Self::Number(_)
            | Self::Text(_)
            | Self::Bytes(_)
            | Self::Mark
            | Self::Class
            | Self::Copied(_) => false,
        }
    }
}

/// Reads the map.
///
/// # Errors
/// A sentence that says why the file is not believed.
pub(crate) fn read(bytes: &[u8]) -> Result<IdMap, String> {
    let mut machine = Machine {
        bytes,
        at: 0,
        stack: Vec::new(),
        memory: HashMap::new(),
        copied: 0,
    };
    let fields = machine.run()?;
    let mut map = IdMap::default();
    let (mut labels, mut ids) = (None, None);
    for (name, value) in fields {
        let Value::Text(name) = name else { continue };
        match (name.as_str(), value) {
            ("id_to_label", Value::Map(pairs)) => labels = Some(pairs),
            ("label_to_id", Value::Map(pairs)) => ids = Some(pairs),
            ("max_seq_id", Value::Number(seq)) => map.seq = Some(seq),
            ("max_seq_id", Value::Bytes(seq)) => {
                map.seq = seq.try_into().ok().map(i64::from_be_bytes);
            }
            _ => {}
        }
    }
    let ids: HashMap<u64, String> = ids
        .ok_or("it has no ids")?
        .into_iter()
        .filter_map(|pair| match pair {
            (Value::Number(label), Value::Text(id)) => Some((u64::try_from(label).ok()?, id)),
            _ => None,
        })
        .collect();
    for (id, label) in labels.ok_or("it has no labels")? {
        let (Value::Text(id), Value::Number(label)) = (id, label) else {
            return Err("a label is not a number, or its id is not a text".to_owned());
        };
        let label = u64::try_from(label).map_err(|_| "a label is negative")?;
        if ids.get(&label) == Some(&id) {
            map.labels.insert(id, label);
        } else {
            map.doubtful += 1;
        }
    }
    map.doubtful = map
        .doubtful
        .max((ids.len() as u64).saturating_sub(map.labels.len() as u64));
    Ok(map)
}

struct Machine<'b> {
    bytes: &'b [u8],
    at: usize,
    stack: Vec<Value>,
    memory: HashMap<usize, Value>,
    /// Bytes of texts that were copied from or to the memory.
    copied: usize,
}

const ENDS_EARLY: &str = "it ends early";

impl<'b> Machine<'b> {
    fn run(&mut self) -> Result<Vec<(Value, Value)>, String> {
        loop {
            if self.stack.len() > STACK_MAX {
                return Err("it holds more than any index can".to_owned());
            }
            let code = self.byte()?;
            match code {
                // PROTO, and FRAME, which only says how long what follows is.
                0x80 => drop(self.byte()?),
                0x95 => drop(self.take(8)?),
                b'.' => break,
                b'(' => self.stack.push(Value::Mark),
                // EMPTY_TUPLE stands for the arguments of the class, of which there are none.
                b'}' => self.stack.push(Value::Map(Vec::new())),
                b']' | b')' => self.stack.push(Value::List(Vec::new())),
                b'N' | 0x88 | 0x89 => self.stack.push(Value::None),
                b'K' | b'M' | b'J' | 0x8a => self.number(code)?,
                b'X' | 0x8c | 0x8d | b'C' | b'B' => self.text(code)?,
                b'q' | b'r' | 0x94 | b'h' | b'j' => self.remember(code)?,
                b's' | b'u' | b'a' | b'e' => self.fill(code)?,
                b'c' | 0x93 => self.class(code)?,
                // NEWOBJ: the class and its arguments become an object without fields.
                0x81 => {
                    let made = (self.pop()?, self.pop()?);
                    let (Value::List(arguments), Value::Class) = made else {
                        return Err(
                            "it makes an object of something else than the class".to_owned()
                        );
                    };
                    if !arguments.is_empty() {
                        return Err("it makes an object with arguments".to_owned());
                    }
                    self.stack.push(Value::Map(Vec::new()));
                }
                // BUILD: the map on top is the fields of the object below.
                b'b' => {
                    let (fields, object) = (self.pop()?, self.pop()?);
                    let (Value::Map(fields), Value::Map(_)) = (fields, object) else {
                        return Err("it fills an object with something else than fields".to_owned());
                    };
                    self.stack.push(Value::Map(fields));
                }
                other => return Err(format!("the instruction {other:#04x} is not allowed")),
            }
        }
        match (self.stack.pop(), self.stack.is_empty()) {
            (Some(Value::Map(fields)), true) => Ok(fields),
            _ => Err("it is not a map of fields".to_owned()),
        }
    }

    fn take(&mut self, count: usize) -> Result<&'b [u8], String> {
        let end = self.at.checked_add(count).ok_or(ENDS_EARLY)?;
        let taken = self.bytes.get(self.at..end).ok_or(ENDS_EARLY)?;
        self.at = end;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, String> {
        self.take(1)?
            .first()
            .copied()
            .ok_or_else(|| ENDS_EARLY.to_owned())
    }

    /// Reads a number without sign of up to eight bytes, the lowest first.
    fn unsigned(&mut self, count: usize) -> Result<u64, String> {
        let bytes = self.take(count)?;
        Ok(bytes
            .iter()
            .rev()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn size(&mut self, count: usize) -> Result<usize, String> {
        usize::try_from(self.unsigned(count)?).map_err(|_| ENDS_EARLY.to_owned())
    }

    fn pop(&mut self) -> Result<Value, String> {
        let value = self.stack.pop().ok_or("it takes what is not there")?;
        match value {
            Value::Copied(place) => {
                let kept = self.memory.get(&place);
                let kept = kept.ok_or("it recalls what is not there")?.clone();
                self.count(&kept)?;
                Ok(kept)
            }
            Value::None
            | Value::Number(_)
            | Value::Text(_)
            | Value::Bytes(_)
            | Value::Map(_)
            | Value::List(_)
            | Value::Mark
            | Value::Class => Ok(value),
        }
    }

    fn number(&mut self, code: u8) -> Result<(), String> {
        let count = match code {
            b'K' => 1,
            b'M' => 2,
            b'J' => 4,
            _ => usize::from(self.byte()?),
        };
        if count > 8 {
            return Err("it holds a number of more than 64 bits".to_owned());
        }
        let number = self.unsigned(count)?;
        let number = match code {
            b'J' => i64::from(u32::try_from(number).unwrap_or(0).cast_signed()),
            // LONG1 has as many bytes as it needs with its sign.
            0x8a if count > 0 => {
                let unused = 64 - 8 * u32::try_from(count).unwrap_or(8);
                (number << unused).cast_signed() >> unused
            }
            _ => number.cast_signed(),
        };
        self.stack.push(Value::Number(number));
        Ok(())
    }

    fn text(&mut self, code: u8) -> Result<(), String> {
        let count = match code {
            b'X' | b'B' => self.size(4)?,
            0x8d => self.size(8)?,
            _ => self.size(1)?,
        };
        let bytes = self.take(count)?;
        self.stack.push(if matches!(code, b'C' | b'B') {
            Value::Bytes(bytes.to_vec())
        } else {
            let text = std::str::from_utf8(bytes).map_err(|_| "a text of it is not UTF-8")?;
            Value::Text(text.to_owned())
        });
        Ok(())
    }

    /// Remembers what is on top, or recalls it. Only plain values are kept: a map that is filled later would have to
    /// be shared, and no file of Chroma's recalls one.
    fn remember(&mut self, code: u8) -> Result<(), String> {
        let place = match code {
            b'q' | b'h' => self.size(1)?,
            b'r' | b'j' => self.size(4)?,
            _ => self.memory.len(),
        };
        if matches!(code, b'h' | b'j') {
            self.stack.push(Value::Copied(place));
            return Ok(());
        }
        let kept = match self.stack.last() {
            Some(value @ (Value::Text(_) | Value::Number(_) | Value::Class)) => value.clone(),
            Some(_) => Value::Mark,
            None => return Err("it keeps what is not there".to_owned()),
        };
        self.count(&kept)?;
        self.memory.insert(place, kept);
        Ok(())
    }

    /// Counts the text that was copied: a long one that is recalled without end would fill every memory.
    fn count(&mut self, value: &Value) -> Result<(), String> {
        if let Value::Text(text) = value {
            self.copied = self.copied.saturating_add(text.len());
        }
        if self.copied / COPIES_MAX > self.bytes.len() {
            return Err("it says the same again and again".to_owned());
        }
        Ok(())
    }

    /// Puts values into the map or list below them.
    fn fill(&mut self, code: u8) -> Result<(), String> {
        let mut values = Vec::new();
        match code {
            b's' => {
                let value = self.pop()?;
                values = vec![self.pop()?, value];
            }
            b'a' => values.push(self.pop()?),
            _ => {
                while !matches!(self.stack.last(), Some(Value::Mark)) {
                    values.push(self.pop()?);
                }
                self.stack.pop();
                values.reverse();
            }
        }
        if values.iter().any(|value| value.is_deeper(NESTED_MAX)) {
            return Err("it nests deeper than any index does".to_owned());
        }
        match (self.stack.last_mut(), matches!(code, b's' | b'u')) {
            (Some(Value::Map(pairs)), true) => {
                let mut values = values.into_iter();
                while let Some(key) = values.next() {
                    pairs.push((key, values.next().ok_or("a key of it has no value")?));
                }
                Ok(())
            }
            (Some(Value::List(list)), false) => {
                list.extend(values);
                Ok(())
            }
            _ => Err("it fills what is neither map nor list".to_owned()),
        }
    }

    fn class(&mut self, code: u8) -> Result<(), String> {
        let (module, name) = if code == b'c' {
            (self.line()?, self.line()?)
        } else {
            match (self.pop()?, self.pop()?) {
                (Value::Text(name), Value::Text(module)) => (module, name),
                _ => return Err("it names a class by something else than texts".to_owned()),
            }
        };
        if (module.as_str(), name.as_str()) != CLASS {
            let named: String = format!("{module}.{name}")
                .chars()
                .take(QUOTED_CHARS_MAX)
                .collect();
            return Err(format!("it asks for `{named}`, which is not data"));
        }
        self.stack.push(Value::Class);
        Ok(())
    }

    fn line(&mut self) -> Result<String, String> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let count = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .ok_or(ENDS_EARLY)?;
        let line = String::from_utf8_lossy(self.take(count)?).into_owned();
        self.byte()?;
        Ok(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What serde-pickle, which Chroma 1.x writes with, makes of the map.
    fn of_chroma_1() -> Vec<u8> {
        let mut bytes = b"\x80\x03}(".to_vec();
        let text = |bytes: &mut Vec<u8>, text: &str| {
            bytes.push(b'X');
            bytes.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
            bytes.extend(text.as_bytes());
        };
        text(&mut bytes, "dimensionality");
        bytes.push(b'N');
        text(&mut bytes, "id_to_label");
        bytes.extend(b"}(");
        for (id, label) in [("a", 1_i32), ("b", 70_000)] {
            text(&mut bytes, id);
            bytes.push(b'J');
            bytes.extend(label.to_le_bytes());
        }
        bytes.push(b'u');
        text(&mut bytes, "label_to_id");
        bytes.extend(b"}(");
        for (id, label) in [("a", 1_i32), ("b", 70_000)] {
            bytes.push(b'J');
            bytes.extend(label.to_le_bytes());
            text(&mut bytes, id);
        }
        bytes.extend(b"uu.");
        bytes
    }

    #[test]
    fn maps_of_both_makes_are_read() {
        let map = read(&of_chroma_1()).unwrap();
        assert_eq!(map.labels["a"], 1);
        assert_eq!(map.labels["b"], 70_000);
        let mut old = b"\x80\x04\x8c\x32chromadb.segment.impl.vector.local_persistent_hnsw\x94\x8c\x0ePersistentData\x94\x93\x94)\x81\x94}\x94(\x8c\x0bid_to_label\x94}\x94\x8c\x01x\x94K\x07s\x8c\x0blabel_to_id\x94}\x94K\x07h\x07s\x8c\x0amax_seq_id\x94\x8a\x02\xff\x7fub.".to_vec();
        let map = read(&old).unwrap();
        assert_eq!((map.labels["x"], map.seq), (7, Some(0x7fff)));
        let last = old.len() - 1;
        old[last] = b'R';
        assert!(read(&old).is_err());
    }

    #[test]
    fn what_calls_is_refused_by_name() {
        for (bytes, word) in [
            (&b"cos\nsystem\n(S'true'\ntR."[..], "os.system"),
            (b"\x80\x04\x8c\x05posix\x8c\x06system\x93.", "posix.system"),
            (b"\x80\x03}R.", "0x52"),
            (b"\x80\x03}i.", "0x69"),
            (b"\x80\x03", "early"),
            (b"", "early"),
            (b"\x80\x03}.", "no ids"),
        ] {
            let refused = read(bytes).unwrap_err();
            assert!(refused.contains(word), "{refused}");
        }
    }

    #[test]
    fn what_would_fill_the_memory_or_the_stack_is_refused() {
        let nested = [&b"]".repeat(200_000)[..], &b"a".repeat(199_999), b"."].concat();
        let text = [&b"\x80\x03X\x00\x00\x01\x00"[..], &vec![b'x'; 1 << 16]].concat();
        let recalled = [&text[..], b"q\x00](", &b"h\x00".repeat(1 << 16), b"e."].concat();
        let kept = [&text[..], &b"q\x00".repeat(1 << 16), b"."].concat();
        for (bytes, word) in [(nested, "deeper"), (recalled, "again"), (kept, "again")] {
            let refused = read(&bytes).unwrap_err();
            assert!(refused.contains(word), "{refused}");
        }
    }

    #[test]
    fn no_cut_and_no_flip_is_read_as_something_else_with_a_crash() {
        let bytes = of_chroma_1();
        for end in 0..bytes.len() {
            assert!(read(&bytes[..end]).is_err());
        }
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                drop(read(&flipped));
            }
        }
    }
}
