//! What each part of a score counts.

use steadfast_model::Kind;
use steadfast_store::Bm25;

/// The weights of the parts of a score; `docs/internals/ranking.md` has the measurements behind the default.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Formula {
    /// What vectors count against words, from 0 to 1, for messages and notes.
    pub short_vector: f32,
    /// The same for documents, code and data.
    pub long_vector: f32,
    /// What the candidate itself counts against the window around it, from 0 to 1, for words.
    pub own_words: f32,
    /// The same for vectors.
    pub own_vector: f32,
    /// What the words of the whole document count, or of the part of it around the candidate.
    pub parent: f32,
    /// What the own words of an assistant's or a tool's message count against those of a user's.
    pub reply: f32,
    /// What it counts that the question names the speaker of a message.
    pub speaker: f32,
    /// What it counts that the question names the date of a text.
    pub date: f32,
    /// The same when the question names the very day.
    pub day: f32,
    /// What it counts that a text tells a time when the question asks for one.
    pub when: f32,
    /// BM25 of messages and notes.
    pub short_bm25: Bm25,
    /// BM25 of documents, code and data.
    pub long_bm25: Bm25,
    /// BM25 of whole documents.
    pub parent_bm25: Bm25,
}

impl Default for Formula {
    fn default() -> Self {
        Self {
            short_vector: 0.5,
            long_vector: 0.5,
            own_words: 0.3,
            own_vector: 0.3,
            parent: 0.4,
            reply: 0.5,
            speaker: 0.1,
            date: 0.4,
            day: 1.0,
            when: 0.1,
            short_bm25: Bm25 { k1: 0.9, b: 0.4 },
            long_bm25: Bm25 { k1: 1.2, b: 0.75 },
            parent_bm25: Bm25 { k1: 1.2, b: 0.75 },
        }
    }
}

/// The parts of a score: raw values before they are weighed, shares of the score after.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
#[non_exhaustive]
pub struct Parts {
    /// Words of the chunk.
    pub chunk: f32,
    /// Words of the window around it.
    pub window: f32,
    /// Words of its document.
    pub parent: f32,
    /// Its vector.
    pub vector: f32,
    /// The vector of the window around it.
    pub vector_window: f32,
    /// The question names its speaker.
    pub speaker: f32,
    /// The question names its date.
    pub date: f32,
    /// The question asks when, and it tells a time.
    pub when: f32,
    pub(super) is_day: bool,
    pub(super) has_vector: bool,
    pub(super) kind: Kind,
}

/// Returns whether a text is a piece of something long, and not something said or noted.
fn is_long(kind: Kind) -> bool {
    match kind {
        Kind::Message | Kind::Note => false,
        Kind::Text | Kind::Markdown | Kind::Code | Kind::Data => true,
    }
}

impl Formula {
    pub(super) fn bm25_of(&self, kind: Kind) -> Bm25 {
        if is_long(kind) {
            self.long_bm25
        } else {
            self.short_bm25
        }
    }

    /// Returns what words and vectors count. A way that found nothing does not weigh.
    fn ways(&self, kind: Kind, has_words: bool, has_vectors: bool) -> (f32, f32) {
        let vector = if is_long(kind) {
            self.long_vector
        } else {
            self.short_vector
        };
        match (has_words, has_vectors) {
            (true, true) => (1.0 - vector, vector),
            (true, false) => (1.0, 0.0),
            (false, true) => (0.0, 1.0),
            (false, false) => (0.0, 0.0),
        }
    }

    /// Returns the score of each candidate with its shares.
    pub(super) fn weigh(&self, mut parts: Vec<Parts>) -> Vec<(f32, Parts)> {
        let largest = |part: fn(&Parts) -> f32| parts.iter().map(part).fold(0.0, f32::max);
        let (chunk, window) = (largest(|parts| parts.chunk), largest(|parts| parts.window));
        let parent = largest(|parts| parts.parent);
        let vector = largest(|parts| parts.vector);
        let vector_window = largest(|parts| parts.vector_window);
        let share = |weight: f32, value: f32, largest: f32| {
            if largest > 0.0 {
                weight * value.max(0.0) / largest
            } else {
                0.0
            }
        };
        for parts in &mut parts {
            let (words, vectors) = self.ways(parts.kind, window > 0.0, vector > 0.0);
            *parts = Parts {
                chunk: share(words * self.own_words, parts.chunk, chunk),
                window: share(words * (1.0 - self.own_words), parts.window, window),
                parent: share(self.parent, parts.parent, parent),
                vector: share(vectors * self.own_vector, parts.vector, vector),
                vector_window: share(
                    vectors * (1.0 - self.own_vector),
                    parts.vector_window,
                    vector_window,
                ),
                speaker: self.speaker * parts.speaker,
                date: parts.date * if parts.is_day { self.day } else { self.date },
                when: self.when * parts.when,
                is_day: parts.is_day,
                has_vector: parts.has_vector,
                kind: parts.kind,
            };
        }
        parts
            .into_iter()
            .map(|parts| (parts.sum(), parts))
            .collect()
    }
}

impl Parts {
    fn sum(&self) -> f32 {
        self.chunk
            + self.window
            + self.parent
            + self.vector
            + self.vector_window
            + self.speaker
            + self.date
            + self.when
    }

    /// Returns the shares with their names, in the order in which they are explained.
    pub fn named(&self) -> [(&'static str, f32); 8] {
        [
            ("chunk", self.chunk),
            ("window", self.window),
            ("parent", self.parent),
            ("vector", self.vector),
            ("vector_window", self.vector_window),
            ("speaker", self.speaker),
            ("date", self.date),
            ("when", self.when),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_to_the_score_and_the_best_of_each_part_gets_its_whole_weight() {
        let formula = Formula::default();
        let raw = vec![
            Parts {
                chunk: 8.0,
                window: 9.0,
                parent: 4.0,
                vector: 0.3,
                vector_window: 0.2,
                ..Parts::default()
            },
            Parts {
                chunk: 4.0,
                window: 18.0,
                parent: 2.0,
                vector: 0.6,
                vector_window: 0.4,
                speaker: 1.0,
                ..Parts::default()
            },
        ];
        let weighed = formula.weigh(raw);
        for (score, parts) in &weighed {
            let sum: f32 = parts.named().iter().map(|(_, share)| share).sum();
            assert!((sum - score).abs() < 1e-6);
        }
        let (_, first) = weighed[0];
        assert!((first.chunk - 0.5 * 0.3).abs() < 1e-6);
        assert!((first.parent - 0.4).abs() < 1e-6);
        assert!((first.vector - 0.5 * 0.3 * 0.5).abs() < 1e-6);
        assert!((weighed[1].1.speaker - 0.1).abs() < 1e-6);
    }

    #[test]
    fn a_way_that_found_nothing_does_not_halve_the_other() {
        let raw = vec![Parts {
            chunk: 1.0,
            window: 1.0,
            ..Parts::default()
        }];
        let (score, _) = Formula::default().weigh(raw)[0];
        assert!((score - 1.0).abs() < 1e-6);
    }
}
