//! What must be true of a store after any bad day, asked from outside.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use steadfast::model::Severity;
use steadfast::{ListRequest, Memory, Mode, SearchRequest, Silent};

/// The texts of each source in order.
pub(crate) type Contents = BTreeMap<String, Vec<String>>;

/// For each source the versions that it may have; no texts mean that it is absent.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Admissible(pub(crate) BTreeMap<String, BTreeSet<Vec<String>>>);

impl Admissible {
    /// Returns what may be there after `before` was acknowledged and while `after` was under way.
    pub(crate) fn between(before: &Contents, after: &Contents) -> Self {
        let mut all = Self::default();
        all.add(before, after);
        all.add(after, before);
        all
    }

    fn add(&mut self, these: &Contents, others: &Contents) {
        for source in these.keys().chain(others.keys()) {
            let version = these.get(source).cloned().unwrap_or_default();
            self.0.entry(source.clone()).or_default().insert(version);
        }
    }

    /// Returns the words that are each in one text alone.
    pub(crate) fn words(&self) -> BTreeSet<&str> {
        let texts = self.0.values().flatten().flatten();
        texts
            .flat_map(|text| text.split_whitespace())
            .filter(|word| word.starts_with("zq"))
            .collect()
    }
}

/// Returns what a store holds; files are named from `files` on.
pub(crate) fn contents(memory: &Memory, files: &Path) -> Result<Contents, String> {
    let mut request = ListRequest::default();
    request.limit = 10_000;
    let listing = memory.list(&request).map_err(|error| error.to_string())?;
    if listing.damaged > 0 {
        return Err(format!("{} texts are damaged", listing.damaged));
    }
    let mut keys = BTreeSet::new();
    let mut places: BTreeMap<String, BTreeMap<u32, String>> = BTreeMap::new();
    for chunk in listing.chunks {
        let path = Path::new(&chunk.source);
        let source = match path.strip_prefix(files) {
            Ok(below) => format!("file {}", below.display()),
            Err(_) => chunk.source.clone(),
        };
        let place = &chunk.place;
        let key = (
            source.clone(),
            chunk.content_hash,
            place.start_line,
            place.ordinal,
        );
        if !keys.insert(key) {
            return Err(format!("a chunk of {source} is there twice: {place:?}"));
        }
        let texts = places.entry(source.clone()).or_default();
        if texts.insert(place.position, chunk.text).is_some() {
            return Err(format!(
                "two chunks of {source} are in one place: {place:?}"
            ));
        }
    }
    Ok(places
        .into_iter()
        .map(|(source, texts)| (source, texts.into_values().collect()))
        .collect())
}

/// Asks a store everything that was promised of it; returns what it holds.
pub(crate) fn check(
    memory: &Memory,
    files: &Path,
    admissible: &Admissible,
) -> Result<Contents, String> {
    let found = contents(memory, files)?;
    for (source, texts) in &found {
        if !admissible.0.contains_key(source) {
            return Err(format!(
                "{source} was never written, and has {} texts",
                texts.len()
            ));
        }
    }
    for (source, versions) in &admissible.0 {
        let version = found.get(source).cloned().unwrap_or_default();
        if !versions.contains(&version) {
            return Err(format!(
                "{source} has {} texts, none of the versions with {:?}: {}",
                version.len(),
                versions.iter().map(Vec::len).collect::<Vec<_>>(),
                version.concat().chars().take(200).collect::<String>(),
            ));
        }
    }
    let verified = memory.verify(&Silent).map_err(|error| error.to_string())?;
    let bad = verified
        .findings
        .iter()
        .find(|finding| finding.severity > Severity::Info);
    if let Some(finding) = bad {
        return Err(format!("verify: {}: {}", finding.code, finding.what));
    }
    let words: Vec<&str> = admissible.words().into_iter().collect();
    // All at once, and then some by themselves: as many questions as there are words take most of the time.
    let is_small = found.values().flatten().count() < HITS_MAX;
    if is_small && !words.is_empty() {
        ask(memory, &words, &found)?;
    }
    let alone = if is_small { WORDS_ALONE } else { words.len() };
    for word in words
        .iter()
        .step_by(words.len().div_ceil(alone.max(1)).max(1))
    {
        ask(memory, &[word], &found)?;
    }
    Ok(found)
}

/// How the error of [`ask`] begins when an answer was given that is not true.
pub(crate) const UNTRUE: &str = "a wrong answer: ";

/// More hits than a question is given here; none of the stores that are asked has as many chunks with one word.
const HITS_MAX: usize = 100;
/// Words that are asked for by themselves, when all of them were asked for at once.
const WORDS_ALONE: usize = 3;

/// Asks for words: all that have one of them are in the answer, unless the answer says what it has not searched.
pub(crate) fn ask(memory: &Memory, words: &[&str], found: &Contents) -> Result<(), String> {
    let mut request = SearchRequest::new(words.join(" "));
    request.mode = Mode::Text;
    request.limit = HITS_MAX;
    let answer = memory.search(&request).map_err(|error| error.to_string())?;
    let has = |text: &str| text.split_whitespace().any(|other| words.contains(&other));
    let wanted: BTreeSet<&str> = found
        .values()
        .flatten()
        .map(String::as_str)
        .filter(|text| has(text))
        .collect();
    let hits: BTreeSet<&str> = answer
        .hits
        .iter()
        .map(|hit| hit.chunk.text.as_str())
        .filter(|text| has(text))
        .collect();
    if let Some(ghost) = hits.difference(&wanted).next() {
        return Err(format!(
            "{UNTRUE}{words:?} is found where it is not: {ghost}"
        ));
    }
    let missed = wanted.difference(&hits).count();
    if answer.coverage.complete && missed > 0 {
        return Err(format!(
            "{UNTRUE}{words:?} is missed {missed} times by a complete answer"
        ));
    }
    if !answer.coverage.complete && answer.coverage.not_searched.is_empty() {
        return Err(format!(
            "{UNTRUE}{words:?}: incomplete, and nothing says why"
        ));
    }
    Ok(())
}
