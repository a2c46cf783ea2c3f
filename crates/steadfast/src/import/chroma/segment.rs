//! A vector segment on the disk: five files that have to agree.
//!
//! The layout is that of Chroma's hnswlib: `header.bin` (100 bytes),
//! `data_level0.bin` (an element: links, flags, vector, label), `length.bin`
//! (the norm of each vector, of meaning with cosine distance only),
//! `link_lists.bin` (the upper levels) and `index_metadata.pickle`. All numbers
//! are little-endian. The files are overwritten in place without a checksum, so
//! a kill leaves each of them at another point of time. Space for elements may
//! be there beyond those that are: 100 from the beginning, 1,000 until 0.6.
//! What is deliberately not here: the graph as such, which is made anew.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::Path;

use super::pickle;

/// Beyond this much an index is not read.
const DATA_BYTES_MAX: u64 = 64 << 30;
/// Beyond this much a map of ids is not read.
const PICKLE_BYTES_MAX: u64 = 4 << 30;
/// How far from 1 the norm of a stored vector may be, with cosine distance.
const NORM_SLACK: f64 = 1e-5;
/// The links of an element in an index with Chroma's own settings: twice M, which is 16.
const LINKS_MAX: u64 = 32;
/// The bit of the flags that says that an element was deleted.
const DELETED: u8 = 1;

/// How far apart vectors are said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    /// By their angle: they are stored with length 1, and their length apart.
    Cosine,
    /// By another measure: they are stored as they are.
    Other,
}

/// What a segment holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Segment {
    /// Whether there is a folder.
    pub(crate) exists: bool,
    /// What does not agree, each in a sentence.
    pub(crate) problems: Vec<String>,
    /// Elements that the header counts.
    pub(crate) counted: u64,
    /// Vectors by id: those whose element is whole and is named by the map.
    pub(crate) vectors: HashMap<String, Vec<f32>>,
    /// The last operation in it, where the map says so.
    pub(crate) seq: Option<i64>,
}

struct Header {
    count: u64,
    size: usize,
    label: usize,
    data: usize,
    links_max: usize,
    /// Whether the file says so; else it is taken to be as usual.
    is_read: bool,
}

/// Reads the segment in a folder. What is damaged is said and left out; what is whole is read.
pub(crate) fn read(folder: &Path, dimension: Option<u64>, space: Space) -> Segment {
    let mut segment = Segment {
        exists: folder.is_dir(),
        ..Segment::default()
    };
    if !segment.exists || files(folder).next().is_none() {
        return segment;
    }
    let map = read_map(folder, &mut segment);
    let header = match read_header(folder, dimension) {
        Ok(header) => header,
        Err(problem) => {
            segment.problems.push(problem);
            match usual_header(folder, dimension) {
                Some(header) => header,
                None => return segment,
            }
        }
    };
    segment.counted = header.count;
    // Space that was set aside and never used: what is in it has no meaning.
    if header.count == 0 {
        if map.is_some_and(|map| !map.labels.is_empty()) {
            let what = "header.bin counts no element, and index_metadata.pickle names some";
            segment.problems.push(what.to_owned());
        }
        return segment;
    }
    elements(folder, &header, space, map.as_ref(), &mut segment);
    if header.is_read
        && let Err(problem) = links(folder, &header)
    {
        segment.problems.push(problem);
    }
    segment.seq = map.and_then(|map| map.seq);
    segment
}

/// Returns those of the files of a segment that are there.
pub(crate) fn files(folder: &Path) -> impl Iterator<Item = &'static str> {
    [
        "header.bin",
        "data_level0.bin",
        "length.bin",
        "link_lists.bin",
        "index_metadata.pickle",
    ]
    .into_iter()
    .filter(move |name| folder.join(name).is_file())
}

fn read_map(folder: &Path, segment: &mut Segment) -> Option<pickle::IdMap> {
    let path = folder.join("index_metadata.pickle");
    if !path.exists() {
        return None;
    }
    let read = bounded(&path, PICKLE_BYTES_MAX).and_then(|bytes| pickle::read(&bytes));
    match read {
        Ok(map) => Some(map),
        Err(problem) => {
            segment
                .problems
                .push(format!("index_metadata.pickle cannot be read: {problem}"));
            None
        }
    }
}

fn bounded(path: &Path, bytes_max: u64) -> Result<Vec<u8>, String> {
    let length = std::fs::metadata(path)
        .map_err(|error| error.to_string())?
        .len();
    if length > bytes_max {
        return Err(format!("it has {length} bytes"));
    }
    std::fs::read(path).map_err(|error| error.to_string())
}

fn read_header(folder: &Path, dimension: Option<u64>) -> Result<Header, String> {
    let wrong = |what: &str| format!("header.bin {what}");
    let bytes = bounded(&folder.join("header.bin"), 1 << 20)
        .map_err(|what| wrong(&format!("cannot be read: {what}")))?;
    let number = |at: usize| {
        let bytes = bytes.get(at..at + 8)?;
        bytes.try_into().ok().map(u64::from_le_bytes)
    };
    let version = bytes
        .get(..4)
        .and_then(|bytes| bytes.try_into().ok())
        .map(i32::from_le_bytes);
    if version != Some(1) || bytes.len() < 100 {
        return Err(wrong("is not of version 1, or is cut short"));
    }
    let read = |at: usize| number(at).unwrap_or(0);
    let (room, count, size, label, data) = (read(12), read(20), read(28), read(36), read(44));
    let links_max = read(68);
    let vector_bytes = label.checked_sub(data);
    let is_sane = links_max
        .checked_mul(4)
        .and_then(|links| links.checked_add(4))
        == Some(data)
        && label.checked_add(8) == Some(size)
        && size < 1 << 20
        && count <= room
        && room < 1 << 40
        && vector_bytes.is_some_and(|bytes| bytes > 0 && bytes % 4 == 0)
        && dimension.is_none_or(|dimension| vector_bytes == dimension.checked_mul(4));
    if !is_sane {
        return Err(wrong("does not describe vectors of this collection"));
    }
    let small = |number: u64| usize::try_from(number).unwrap_or(0);
    Ok(Header {
        count,
        size: small(size),
        label: small(label),
        data: small(data),
        links_max: small(links_max),
        is_read: true,
    })
}

/// Returns what the header of an index with Chroma's own settings would say: what fits it can still be read.
fn usual_header(folder: &Path, dimension: Option<u64>) -> Option<Header> {
    let data = LINKS_MAX * 4 + 4;
    let label = dimension?.checked_mul(4)?.checked_add(data)?;
    let size = label.checked_add(8)?;
    let bytes = std::fs::metadata(folder.join("data_level0.bin"))
        .ok()?
        .len();
    Some(Header {
        count: bytes / size,
        size: usize::try_from(size).ok()?,
        label: usize::try_from(label).ok()?,
        data: usize::try_from(data).ok()?,
        links_max: usize::try_from(LINKS_MAX).ok()?,
        is_read: false,
    })
}

/// What is counted while elements are read.
#[derive(Default)]
struct Tally {
    deleted: u64,
    bad_links: u64,
    bad_vectors: u64,
    without_length: u64,
    doubled: u64,
    /// Elements that are neither deleted nor named.
    unnamed: u64,
}

fn elements(
    folder: &Path,
    header: &Header,
    space: Space,
    map: Option<&pickle::IdMap>,
    segment: &mut Segment,
) {
    let data = match bounded(&folder.join("data_level0.bin"), DATA_BYTES_MAX) {
        Ok(data) => data,
        Err(what) => {
            segment
                .problems
                .push(format!("data_level0.bin cannot be read: {what}"));
            Vec::new()
        }
    };
    let lengths = bounded(&folder.join("length.bin"), DATA_BYTES_MAX).unwrap_or_default();
    sizes(header, &data, &lengths, &mut segment.problems);
    let counted = if header.is_read {
        usize::try_from(header.count).unwrap_or(usize::MAX)
    } else {
        0
    };
    let ids: HashMap<u64, &str> = map
        .into_iter()
        .flat_map(|map| &map.labels)
        .map(|(id, label)| (*label, id.as_str()))
        .collect();
    let mut tally = Tally::default();
    let mut labels = BTreeSet::new();
    let mut doubled = BTreeSet::new();
    let mut lengths = lengths
        .chunks_exact(4)
        .map(|bytes| bytes.try_into().ok().map(f32::from_le_bytes));
    for (place, bytes) in data.chunks_exact(header.size).enumerate() {
        let length = lengths.next().flatten();
        let Some(element) = Element::read(bytes, header) else {
            continue;
        };
        // Beyond what the header counts lies space that was set aside, or, where the header is at fault, what the map
        // names.
        let is_counted = place < counted;
        let has_good_links = element.has_good_links(header);
        if !is_counted
            && (element.is_deleted || !has_good_links || !ids.contains_key(&element.label))
        {
            continue;
        }
        tally.bad_links += u64::from(!has_good_links);
        if element.is_deleted {
            tally.deleted += 1;
            continue;
        }
        if !labels.insert(element.label) {
            if is_counted {
                tally.doubled += 1;
                doubled.insert(element.label);
            }
            continue;
        }
        let Some(id) = ids.get(&element.label) else {
            tally.unnamed += 1;
            continue;
        };
        match element.vector(space, length, &mut tally) {
            Some(vector) => drop(segment.vectors.insert((*id).to_owned(), vector)),
            None => tally.bad_vectors += 1,
        }
    }
    // Which of them is the one cannot be told.
    for id in doubled.iter().filter_map(|label| ids.get(label)) {
        segment.vectors.remove(*id);
    }
    if header.is_read {
        report(header, map, &tally, segment);
    }
}

/// Compares the sizes of files with the count of the header.
fn sizes(header: &Header, data: &[u8], lengths: &[u8], problems: &mut Vec<String>) {
    let held = [
        ("data_level0.bin", data.len() / header.size),
        ("length.bin", lengths.len() / 4),
    ];
    for (name, held) in held {
        if (held as u64) < header.count {
            problems.push(format!(
                "header.bin counts {} elements, {name} holds {held}",
                header.count
            ));
        }
    }
}

fn report(header: &Header, map: Option<&pickle::IdMap>, tally: &Tally, segment: &mut Segment) {
    let problems = &mut segment.problems;
    let mut say = |count: u64, what: &str| {
        if count > 0 {
            problems.push(format!("{count} elements {what}"));
        }
    };
    say(tally.bad_links, "have links to elements that are not there");
    say(tally.doubled, "have the label of another element");
    say(tally.bad_vectors, "do not hold a vector");
    say(tally.without_length, "have lost the length of their vector");
    let doubtful = map.map_or(0, |map| map.doubtful);
    say(doubtful, "are named in two ways by index_metadata.pickle");
    let Some(map) = map else {
        if !problems.iter().any(|problem| problem.contains("pickle")) {
            problems.push(format!(
                "header.bin counts {} elements, and there is no index_metadata.pickle",
                header.count
            ));
        }
        return;
    };
    let named = map.labels.len() as u64;
    if header.count < named + tally.deleted
        || tally.unnamed > 0 && header.count != named + tally.deleted
    {
        problems.push(format!(
            "header.bin counts {} elements, {} of them deleted; index_metadata.pickle names {named}",
            header.count, tally.deleted
        ));
    }
    let found = segment.vectors.len() as u64 + tally.bad_vectors;
    if found < named {
        problems.push(format!(
            "index_metadata.pickle names {} labels that no element has",
            named - found
        ));
    }
}

struct Element<'b> {
    links: &'b [u8],
    links_count: usize,
    is_deleted: bool,
    vector: &'b [u8],
    label: u64,
}

impl<'b> Element<'b> {
    fn read(bytes: &'b [u8], header: &Header) -> Option<Self> {
        let links_count = u16::from_le_bytes(bytes.get(..2)?.try_into().ok()?);
        Some(Self {
            links: bytes.get(4..header.data)?,
            links_count: usize::from(links_count),
            is_deleted: bytes.get(2)? & DELETED != 0,
            vector: bytes.get(header.data..header.label)?,
            label: u64::from_le_bytes(bytes.get(header.label..)?.try_into().ok()?),
        })
    }

    fn has_good_links(&self, header: &Header) -> bool {
        self.links_count <= header.links_max
            && self
                .links
                .chunks_exact(4)
                .take(self.links_count)
                .filter_map(|link| link.try_into().ok().map(u32::from_le_bytes))
                .all(|link| u64::from(link) < header.count)
    }

    /// Returns the vector as it was given to Chroma; none where the bytes are none.
    fn vector(&self, space: Space, length: Option<f32>, tally: &mut Tally) -> Option<Vec<f32>> {
        let stored: Vec<f32> = self
            .vector
            .chunks_exact(4)
            .filter_map(|bytes| bytes.try_into().ok().map(f32::from_le_bytes))
            .collect();
        let norm: f64 = stored.iter().map(|x| f64::from(*x).powi(2)).sum();
        if !norm.is_finite() {
            return None;
        }
        if space == Space::Other {
            return Some(stored);
        }
        // A vector of zeros has no direction, and is stored as it is.
        let is_unit = (norm.sqrt() - 1.0).abs() < NORM_SLACK;
        if !is_unit && norm != 0.0 {
            return None;
        }
        let Some(length) = length.filter(|length| length.is_finite() && *length > 0.0) else {
            tally.without_length += u64::from(norm != 0.0);
            return Some(stored);
        };
        Some(stored.into_iter().map(|x| x * length).collect())
    }
}

/// Goes through the upper levels: for each element its size in bytes, and that many bytes.
fn links(folder: &Path, header: &Header) -> Result<(), String> {
    let path = folder.join("link_lists.bin");
    let cannot = |what: String| format!("link_lists.bin cannot be read: {what}");
    let file = File::open(&path).map_err(|error| cannot(error.to_string()))?;
    let length = file
        .metadata()
        .map_err(|error| cannot(error.to_string()))?
        .len();
    let mut reader = BufReader::new(file);
    let mut at = 0_u64;
    for element in 0..header.count {
        let mut size = [0; 4];
        let size = match reader.read_exact(&mut size) {
            Ok(()) => u32::from_le_bytes(size),
            Err(_) => u32::MAX,
        };
        at = at.saturating_add(4).saturating_add(u64::from(size));
        if at > length {
            return Err(format!(
                "header.bin counts {} elements, link_lists.bin holds {element}",
                header.count
            ));
        }
        reader
            .seek_relative(i64::from(size))
            .map_err(|error| cannot(error.to_string()))?;
    }
    if at < length {
        return Err(format!(
            "link_lists.bin has {length} bytes, and the links take {at}"
        ));
    }
    Ok(())
}
