//! What is counted of each question, and the rows of the table.

use std::collections::{BTreeMap, BTreeSet};

use super::{Found, Question};

/// Sums over questions.
#[derive(Default)]
pub(super) struct Tally {
    questions: u32,
    unit: Sums,
    session: Sums,
}

#[derive(Default)]
struct Sums {
    recall_5: f64,
    recall_10: f64,
    hit_5: f64,
    ndcg_10: f64,
}

impl Sums {
    fn add(&mut self, wanted: &BTreeSet<String>, found: &[String]) {
        self.recall_5 += recall(wanted, found, 5);
        self.recall_10 += recall(wanted, found, 10);
        self.hit_5 += f64::from(recall(wanted, found, 5) > 0.0);
        self.ndcg_10 += ndcg(wanted, found, 10);
    }
}

impl Tally {
    pub(super) fn add(&mut self, question: &Question, found: &Found) {
        self.questions += 1;
        self.unit.add(&question.units, &found.units);
        self.session.add(&question.sessions, &found.sessions);
    }

    pub(super) fn questions(&self) -> u32 {
        self.questions
    }

    /// Returns a row of the table, without the time.
    pub(super) fn row(&self, name: &str, has_sessions: bool) -> String {
        let percent = |sum: f64| 100.0 * sum / f64::from(self.questions.max(1));
        let columns = |sums: &Sums| {
            [sums.recall_5, sums.recall_10, sums.hit_5, sums.ndcg_10]
                .map(|sum| format!("{:.1}", percent(sum)))
                .join(" | ")
        };
        let mut row = format!("| {name} | {} |", columns(&self.unit));
        if has_sessions {
            row = format!("{row} {} |", columns(&self.session));
        }
        row
    }
}

pub(super) fn heading(has_sessions: bool) -> String {
    let columns = ["R@5", "R@10", "hit@5", "nDCG@10"];
    let mut names = columns.map(|name| format!("unit {name}")).to_vec();
    if has_sessions {
        names.extend(columns.map(|name| format!("session {name}")));
    }
    let line = "---|".repeat(names.len() + 2);
    format!("| | {} | time p50 |\n|{line}", names.join(" | "))
}

/// A question without evidence counts as answered, as is usual for these sets.
pub(super) fn recall(wanted: &BTreeSet<String>, found: &[String], k: usize) -> f64 {
    if wanted.is_empty() {
        return 1.0;
    }
    let hits = found.iter().take(k).filter(|id| wanted.contains(*id));
    count(hits.count()) / count(wanted.len())
}

fn ndcg(wanted: &BTreeSet<String>, found: &[String], k: usize) -> f64 {
    if wanted.is_empty() {
        return 1.0;
    }
    let gain = |place: usize| 1.0 / (count(place) + 2.0).log2();
    let hits = found.iter().take(k).enumerate();
    let gained: f64 = hits
        .filter(|(_, id)| wanted.contains(*id))
        .map(|(place, _)| gain(place))
        .sum();
    let ideal: f64 = (0..wanted.len().min(k)).map(gain).sum();
    gained / ideal
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

/// Ranks sessions by `s1 + .5 s2 + .25 s3` over the scores of their messages, which fall.
pub(super) fn rank_sessions(sessions: BTreeMap<&str, Vec<f32>>) -> Vec<String> {
    let mut ranked: Vec<(f32, &str)> = sessions
        .into_iter()
        .map(|(session, scores)| {
            let score = scores.iter().zip([1.0, 0.5, 0.25]);
            (score.map(|(score, weight)| score * weight).sum(), session)
        })
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    ranked
        .into_iter()
        .map(|(_, session)| session.to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recall_and_gain_are_those_of_the_definition() {
        let wanted: BTreeSet<String> = ["a", "b"].map(str::to_owned).into();
        let found = ["x", "a", "y"].map(str::to_owned);
        assert!((recall(&wanted, &found, 5) - 0.5).abs() < 1e-9);
        assert!((recall(&wanted, &found, 1)).abs() < 1e-9);
        let expected = (1.0 / 3_f64.log2()) / (1.0 + 1.0 / 3_f64.log2());
        assert!((ndcg(&wanted, &found, 10) - expected).abs() < 1e-9);
        assert!((recall(&BTreeSet::new(), &found, 5) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn three_messages_of_a_session_count() {
        let sessions = BTreeMap::from([("one", vec![0.9]), ("two", vec![0.6, 0.6, 0.6, 0.6])]);
        assert_eq!(rank_sessions(sessions), ["two", "one"]);
    }
}
