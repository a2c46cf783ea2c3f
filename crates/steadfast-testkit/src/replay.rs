//! The folders that a power cut leaves.
//!
//! The model of the disk: what a flush covered is there. Of what came after
//! it, each sector is there or not by itself, within the bytes that were
//! written; so is each change of a length. A file is there when its name and
//! those of its folders are. Names reach the medium in order, with the next
//! flush of anything (as a journalling file system does it), or each by itself,
//! with a flush of their folder alone (all that POSIX promises).
//!
//! A flush that failed leaves a part of what it should have covered, drawn
//! once; no later flush brings the rest (Rebello et al., "Can Applications
//! Recover from fsync Failures?", USENIX ATC 2020).

use std::collections::BTreeMap;

use crate::image::Image;
use crate::journal::Event;
use crate::random::Random;

/// How names reach the medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metadata {
    /// In order, and with a flush of any file.
    Ordered,
    /// Each by itself, and with a flush of its folder alone.
    Unordered,
}

/// A loss of power: the moment, and what the disk happened to have written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// How many events came before.
    pub event: usize,
    /// Decides what of the unflushed is there.
    pub seed: u64,
    /// How names reach the medium.
    pub metadata: Metadata,
    /// The size of a sector in bytes.
    pub sector: usize,
}

impl Cut {
    /// Returns one of the cuts at a moment: sectors of both sizes, names in both ways.
    pub fn at(event: usize, seed: u64) -> Self {
        Self {
            event,
            seed,
            metadata: if seed & 1 == 0 {
                Metadata::Ordered
            } else {
                Metadata::Unordered
            },
            sector: if seed & 2 == 0 { 512 } else { 4096 },
        }
    }
}

/// A file on the medium, and what was done to it since its last flush.
#[derive(Clone, Debug, Default)]
struct FileState {
    durable: Vec<u8>,
    pending: Vec<usize>,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    File(usize),
    Folder,
}

/// A run through the events of a disk, from which the cuts on the way can be asked for.
#[derive(Debug)]
pub struct Replay<'e> {
    events: &'e [Event],
    metadata: Metadata,
    next: usize,
    files: BTreeMap<usize, FileState>,
    names: BTreeMap<String, Node>,
    pending_names: Vec<usize>,
}

impl<'e> Replay<'e> {
    /// Returns the run through events, at their beginning.
    pub fn new(events: &'e [Event], metadata: Metadata) -> Self {
        Self {
            events,
            metadata,
            next: 0,
            files: BTreeMap::new(),
            names: BTreeMap::new(),
            pending_names: Vec::new(),
        }
    }

    /// Returns the image of one cut.
    pub fn image_of(events: &'e [Event], cut: Cut) -> Image {
        let mut replay = Self::new(events, cut.metadata);
        replay.advance(cut.event);
        replay.image(cut.seed, cut.sector)
    }

    /// Goes on until `event` events have been.
    pub fn advance(&mut self, event: usize) {
        while self.next < event.min(self.events.len()) {
            self.step(self.next);
            self.next += 1;
        }
    }

    fn step(&mut self, index: usize) {
        match &self.events[index] {
            Event::Write { file, .. } | Event::Truncate { file, .. } => {
                self.files.entry(*file).or_default().pending.push(index);
            }
            Event::Sync { file } => {
                let state = self.files.entry(*file).or_default();
                for pending in std::mem::take(&mut state.pending) {
                    apply(&mut state.durable, &self.events[pending]);
                }
                if self.metadata == Metadata::Ordered {
                    self.flush_names(|_| true);
                }
            }
            Event::SyncFailed { file } => {
                // The seed is the place in the journal, so that every cut after it agrees on what is lost.
                let mut random = Random::new(index as u64);
                let state = self.files.entry(*file).or_default();
                for pending in std::mem::take(&mut state.pending) {
                    apply_part(
                        &mut state.durable,
                        &self.events[pending],
                        &mut random,
                        50,
                        512,
                    );
                }
            }
            Event::SyncFolder { name } => match self.metadata {
                Metadata::Ordered => self.flush_names(|_| true),
                Metadata::Unordered => {
                    self.flush_names(|event| folders_of(event).contains(&name.as_str()));
                }
            },
            Event::Create { .. }
            | Event::CreateFolder { .. }
            | Event::Delete { .. }
            | Event::Link { .. }
            | Event::Rename { .. } => self.pending_names.push(index),
        }
    }

    fn flush_names(&mut self, is_covered: impl Fn(&Event) -> bool) {
        let events = self.events;
        let (covered, left) = std::mem::take(&mut self.pending_names)
            .into_iter()
            .partition(|index| is_covered(&events[*index]));
        self.pending_names = left;
        let covered: Vec<usize> = covered;
        for index in covered {
            rename(&mut self.names, &events[index]);
        }
    }

    /// Returns one of the images that a cut at this moment may leave.
    pub fn image(&self, seed: u64, sector: usize) -> Image {
        let mut random = Random::new(seed);
        // All of it, nothing of it, and everything between.
        let percent = [0, 100, 50, 90, 10][random.below(5)];
        self.remains(random, percent, sector)
    }

    /// Returns what a kill at this moment leaves: the power stays on, so nothing is lost.
    pub fn kept(&self) -> Image {
        self.remains(Random::new(0), 100, 4096)
    }

    fn remains(&self, mut random: Random, percent: usize, sector: usize) -> Image {
        let mut names = self.names.clone();
        match self.metadata {
            Metadata::Ordered => {
                let reached = match percent {
                    0 => 0,
                    100 => self.pending_names.len(),
                    _ => random.below(self.pending_names.len() + 1),
                };
                for index in &self.pending_names[..reached] {
                    rename(&mut names, &self.events[*index]);
                }
            }
            Metadata::Unordered => {
                for index in &self.pending_names {
                    if random.chance(percent) {
                        rename(&mut names, &self.events[*index]);
                    }
                }
            }
        }
        let is_reachable = |name: &str| {
            let mut above = name;
            while let Some((folder, _)) = above.rsplit_once('/') {
                if names.get(folder) != Some(&Node::Folder) {
                    return false;
                }
                above = folder;
            }
            true
        };
        let mut image = Image::default();
        for (name, node) in names.iter().filter(|(name, _)| is_reachable(name)) {
            match node {
                Node::Folder => {
                    image.folders.insert(name.clone());
                }
                Node::File(file) => {
                    let content = self.content(*file, &mut random, percent, sector);
                    image.files.insert(name.clone(), content);
                }
            }
        }
        image
    }

    fn content(&self, file: usize, random: &mut Random, percent: usize, sector: usize) -> Vec<u8> {
        let Some(state) = self.files.get(&file) else {
            return Vec::new();
        };
        let mut content = state.durable.clone();
        for pending in &state.pending {
            apply_part(
                &mut content,
                &self.events[*pending],
                random,
                percent,
                sector,
            );
        }
        content
    }
}

/// Carries out a change of content.
fn apply(content: &mut Vec<u8>, event: &Event) {
    match event {
        Event::Write { offset, bytes, .. } => put(content, place(*offset), bytes),
        Event::Truncate { length, .. } => content.resize(place(*length), 0),
        _ => {}
    }
}

/// Carries out what the disk happened to have written of a change.
fn apply_part(
    content: &mut Vec<u8>,
    event: &Event,
    random: &mut Random,
    percent: usize,
    sector: usize,
) {
    match event {
        Event::Write { offset, bytes, .. } => {
            let mut at = place(*offset);
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let (now, later) = rest.split_at(rest.len().min(sector - at % sector));
                if random.chance(percent) {
                    put(content, at, now);
                } else if random.chance(percent / 4) && content.len() < at + now.len() {
                    // The length has reached the medium, the bytes have not.
                    content.resize(at + now.len(), 0);
                }
                at += now.len();
                rest = later;
            }
        }
        Event::Truncate { .. } if random.chance(percent) => apply(content, event),
        _ => {}
    }
}

fn put(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[at..end].copy_from_slice(bytes);
}

fn place(offset: u64) -> usize {
    usize::try_from(offset).expect("a file of a test fits into memory")
}

/// Carries out a change of names.
fn rename(names: &mut BTreeMap<String, Node>, event: &Event) {
    match event {
        Event::Create { name, file } | Event::Link { name, file } => {
            names.insert(name.clone(), Node::File(*file));
        }
        Event::CreateFolder { name } => {
            names.insert(name.clone(), Node::Folder);
        }
        Event::Delete { name } => {
            names.remove(name);
        }
        Event::Rename { from, to } => {
            let inside = format!("{from}/");
            let moved: Vec<String> = names
                .keys()
                .filter(|name| *name == from || name.starts_with(&inside))
                .cloned()
                .collect();
            for name in moved {
                if let Some(node) = names.remove(&name) {
                    names.insert(format!("{to}{}", &name[from.len()..]), node);
                }
            }
        }
        _ => {}
    }
}

/// Returns the folders in which a change of names is.
fn folders_of(event: &Event) -> Vec<&str> {
    let folder = |name: &'_ String| -> usize { name.rfind('/').unwrap_or(0) };
    match event {
        Event::Create { name, .. }
        | Event::CreateFolder { name }
        | Event::Link { name, .. }
        | Event::Delete { name } => {
            vec![&name[..folder(name)]]
        }
        Event::Rename { from, to } => vec![&from[..folder(from)], &to[..folder(to)]],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn write(file: usize, offset: u64, byte: u8, length: usize) -> Event {
        Event::Write {
            file,
            offset,
            bytes: vec![byte; length].into(),
        }
    }

    fn create(name: &str, file: usize) -> Event {
        Event::Create {
            name: name.to_owned(),
            file,
        }
    }

    fn root() -> Event {
        Event::SyncFolder {
            name: String::new(),
        }
    }

    #[test]
    fn what_was_flushed_is_in_every_image() {
        let events = [
            create("a", 0),
            write(0, 0, 1, 5000),
            Event::Sync { file: 0 },
            root(),
            write(0, 4000, 2, 5000),
        ];
        for seed in 0..200 {
            let image = Replay::image_of(&events, Cut::at(events.len(), seed));
            let content = &image.files["a"];
            assert_eq!(content[..4000], [1; 4000], "seed {seed}");
        }
    }

    #[test]
    fn unflushed_sectors_come_and_stay_away_each_by_itself() {
        let events = [
            create("a", 0),
            root(),
            Event::Sync { file: 0 },
            write(0, 0, 1, 2048),
        ];
        let images: BTreeSet<Vec<u8>> = (0..400)
            .map(|seed| Replay::image_of(&events, Cut::at(4, seed)).files["a"].clone())
            .collect();
        assert!(images.contains(&Vec::new()));
        assert!(images.contains(&vec![1; 2048]));
        let torn = [vec![0; 512], vec![1; 512], vec![0; 512], vec![1; 512]].concat();
        assert!(images.contains(&torn), "{} images", images.len());
    }

    #[test]
    fn a_kill_loses_nothing() {
        let events = [
            create("a", 0),
            write(0, 0, 1, 5000),
            Event::Truncate {
                file: 0,
                length: 4500,
            },
            Event::Rename {
                from: "a".to_owned(),
                to: "b".to_owned(),
            },
        ];
        for metadata in [Metadata::Ordered, Metadata::Unordered] {
            let mut replay = Replay::new(&events, metadata);
            replay.advance(events.len());
            let files = replay.kept().files;
            assert_eq!(files, BTreeMap::from([("b".to_owned(), vec![1; 4500])]));
        }
    }

    #[test]
    fn a_name_needs_a_flush_of_its_folder_where_names_are_not_ordered() {
        let events = [
            create("a", 0),
            write(0, 0, 1, 10),
            Event::Sync { file: 0 },
            create("b", 1),
        ];
        let has = |metadata, name: &str| {
            (0..100).all(|seed| {
                let cut = Cut {
                    metadata,
                    ..Cut::at(4, seed)
                };
                Replay::image_of(&events, cut).files.contains_key(name)
            })
        };
        assert!(has(Metadata::Ordered, "a"));
        assert!(!has(Metadata::Ordered, "b"));
        assert!(!has(Metadata::Unordered, "a"));
    }

    #[test]
    fn a_second_name_keeps_the_file_when_the_first_is_gone() {
        let events = [
            create("part", 0),
            write(0, 0, 1, 10),
            Event::Sync { file: 0 },
            Event::Link {
                name: "file".to_owned(),
                file: 0,
            },
            Event::Delete {
                name: "part".to_owned(),
            },
            root(),
        ];
        for seed in 0..20 {
            let image = Replay::image_of(&events, Cut::at(events.len(), seed));
            assert_eq!(image.files.keys().collect::<Vec<_>>(), ["file"]);
            assert_eq!(image.files["file"], [1; 10]);
        }
    }

    #[test]
    fn what_a_failed_flush_lost_no_later_flush_brings_back() {
        let events = [
            create("a", 0),
            root(),
            write(0, 0, 1, 512 * 64),
            Event::SyncFailed { file: 0 },
            write(0, 512 * 64, 2, 512),
            Event::Sync { file: 0 },
        ];
        let image = Replay::image_of(&events, Cut::at(6, 0));
        let content = &image.files["a"];
        assert_eq!(content[512 * 64..], [2; 512]);
        assert!(content.contains(&0) && content.contains(&1));
        assert_eq!(image, Replay::image_of(&events, Cut::at(6, 4)));
    }
}
