//! Loss of power at any moment of a life, many at once.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use steadfast::{Journal, Memory};
use steadfast_testkit::{
    Cut, Event, FaultDisk, Figure, Image, Metadata, Random, Replay, scratch, seed, tell, tried,
};

use crate::life::note;
use crate::oracle::{Admissible, check};

/// A life that was written down: what happened on the disk, and what must be true at any moment of it.
pub(crate) struct Recording<'r> {
    pub(crate) name: &'r str,
    pub(crate) events: &'r [Event],
    /// Cuts are no earlier than this.
    pub(crate) from: usize,
    /// The moments at which something was acknowledged.
    pub(crate) acknowledged: &'r [usize],
    pub(crate) files: &'r Path,
    /// What may be there after a cut at a moment.
    pub(crate) admissible: &'r (dyn Fn(usize) -> Admissible + Sync),
    /// Words that no byte of the store may hold after a cut at a moment.
    pub(crate) gone: &'r (dyn Fn(usize) -> Vec<String> + Sync),
    /// What is done and asked before the store is opened after a cut at a moment.
    pub(crate) first: &'r (dyn Fn(&FaultDisk, usize) -> Result<(), String> + Sync),
    /// How the store is opened after the cut.
    pub(crate) journal: Journal,
}

/// Nothing is done before the store is opened.
#[expect(clippy::unnecessary_wraps, reason = "it stands where others may fail")]
pub(crate) fn nothing_first(_disk: &FaultDisk, _event: usize) -> Result<(), String> {
    Ok(())
}

/// What was asked before: an image, what may be there, and what was acknowledged.
type Known = (u128, u64);

impl Recording<'_> {
    /// Cuts the power `count` times, at moments and with remains that the seed decides.
    pub(crate) fn cut(&self, count: usize, seed_default: u64) {
        let seed = seed(seed_default);
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let known = &Mutex::new(HashSet::new());
        let failures: Vec<String> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|worker| {
                    scope.spawn(move || {
                        let seed = seed.wrapping_mul(1_000_003) + worker as u64;
                        self.cut_in_order(count.div_ceil(threads), seed, known)
                    })
                })
                .collect();
            let ended = workers.into_iter().map(|worker| worker.join().unwrap());
            ended.flatten().collect()
        });
        let known = known.lock().unwrap_or_else(PoisonError::into_inner);
        tell("power-cut images", Figure::Cases(count));
        let different = "power-cut images, those that no earlier one equals";
        tell(different, Figure::Cases(known.len()));
        assert!(
            failures.is_empty(),
            "{}, seed {seed}: {} of {count} cuts broke the promise, among them:\n{}",
            self.name,
            failures.len(),
            failures
                .iter()
                .take(6)
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join("\n")
        );
    }

    /// Cuts in order of the moments, so that the disk is replayed once for each way of keeping names.
    ///
    /// An image that equals an earlier one, at a moment at which the same is promised, is not asked again.
    fn cut_in_order(&self, count: usize, seed: u64, known: &Mutex<HashSet<Known>>) -> Vec<String> {
        let mut random = Random::new(seed);
        let mut cuts: Vec<Cut> = (0..count)
            .map(|_| Cut::at(self.moment(&mut random), random.draw()))
            .collect();
        cuts.sort_by_key(|cut| cut.event);
        let mut failures = Vec::new();
        for metadata in [Metadata::Ordered, Metadata::Unordered] {
            let mut replay = Replay::new(self.events, metadata);
            for cut in cuts.iter().filter(|cut| cut.metadata == metadata) {
                replay.advance(cut.event);
                let image = replay.image(cut.seed, cut.sector);
                let admissible = (self.admissible)(cut.event);
                let about = self.about(&image, cut.event, &admissible);
                let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
                if known.insert(about) {
                    drop(known);
                    failures.extend(self.try_image(&image, *cut, admissible));
                }
            }
        }
        failures
    }

    /// Draws a moment: any one, or every third time one right after an acknowledgement, when most is at stake.
    fn moment(&self, random: &mut Random) -> usize {
        let last = self.events.len();
        if self.acknowledged.is_empty() || random.below(3) > 0 {
            return self.from + random.below(last + 1 - self.from);
        }
        let told = self.acknowledged[random.below(self.acknowledged.len())];
        (told + random.below(4)).min(last)
    }

    /// Cuts once, as a kept regression says.
    pub(crate) fn cut_at(&self, cut: Cut) {
        let image = Replay::image_of(self.events, cut);
        let failure = self.try_image(&image, cut, (self.admissible)(cut.event));
        assert!(failure.is_none(), "{}", failure.unwrap_or_default());
    }

    /// Returns all that an image is asked about, as numbers.
    fn about(&self, image: &Image, event: usize, admissible: &Admissible) -> Known {
        let done = self.acknowledged.iter().filter(|at| **at <= event);
        let mut hasher = DefaultHasher::new();
        (done.count(), admissible, (self.gone)(event)).hash(&mut hasher);
        (image.digest(), hasher.finish())
    }

    fn try_image(&self, image: &Image, cut: Cut, admissible: Admissible) -> Option<String> {
        let what = tried(|| self.check_image(image, cut, admissible)).err()?;
        Some(format!("{cut:?}: {what}"))
    }

    fn check_image(
        &self,
        image: &Image,
        cut: Cut,
        mut admissible: Admissible,
    ) -> Result<(), String> {
        let scratch = scratch().unwrap();
        image.write(scratch.path()).unwrap();
        for word in (self.gone)(cut.event) {
            let has =
                |content: &Vec<u8>| content.windows(word.len()).any(|it| it == word.as_bytes());
            if let Some((name, _)) = image.files.iter().find(|(_, content)| has(content)) {
                return Err(format!("{word} was forgotten and is in {name}"));
            }
        }
        let disk = FaultDisk::new(scratch.path()).unwrap();
        let store = disk.root().join("store");
        let open = || {
            Memory::options()
                .create(true)
                .journal(self.journal)
                .disk(Arc::new(disk.clone()))
                .open(&store)
                .map_err(|error| format!("it does not open: {error}"))
        };
        (self.first)(&disk, cut.event)?;
        let memory = open()?;
        let found = check(&memory, self.files, &admissible)?;
        // Now and then life goes on after the cut, and the store is opened once more.
        if cut.seed % 8 < 2 {
            let written = memory.remember(&note("afterwards"));
            written.map_err(|error| format!("it does not take a note: {error}"))?;
            drop(memory);
            for (source, version) in &found {
                let versions = admissible.0.entry(source.clone()).or_default();
                *versions = [version.clone()].into();
            }
            let text = note("afterwards").text;
            let versions = admissible
                .0
                .entry("note-afterwards".to_owned())
                .or_default();
            *versions = [vec![text]].into();
            check(&open()?, self.files, &admissible)
                .map_err(|what| format!("afterwards: {what}"))?;
        }
        Ok(())
    }
}
