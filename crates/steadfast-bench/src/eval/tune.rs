//! Cross-validation of the formula: chosen on all folds but one, measured on that one.
//!
//! A fold is a conversation, where questions have one of their own, else every
//! fifth question. A formula is a point of a small grid around the default; one
//! that wins by chance on four folds loses on the fifth, and the table shows it.

use std::collections::BTreeMap;

use steadfast::{Formula, Mode};

use super::measure::recall;
use super::{Question, Task, found, say};

/// Folds of questions that all ask one store.
const FOLDS: usize = 5;

/// What a formula scored on a question.
struct Score {
    unit: f64,
    session: f64,
}

impl Score {
    fn goal(&self, has_sessions: bool) -> f64 {
        if has_sessions {
            f64::midpoint(self.unit, self.session)
        } else {
            self.unit
        }
    }
}

pub(super) fn run(task: &Task) -> anyhow::Result<()> {
    let folds = folds(&task.questions);
    let grid = grid();
    let scores: Vec<Vec<Score>> = grid
        .iter()
        .map(|(_, formula)| score(task, *formula))
        .collect::<anyhow::Result<_>>()?;
    let goal = |formula: usize, takes: &dyn Fn(usize) -> bool| {
        mean(scores.get(formula), &folds, takes, |score| {
            score.goal(task.has_sessions)
        })
    };
    say(
        "| fold | questions | chosen on the others | unit R@10 | session R@5 | default: unit R@10 | session R@5 |",
    );
    say("|---|---|---|---|---|---|---|");
    let names: BTreeMap<usize, usize> = folds.iter().fold(BTreeMap::new(), |mut names, fold| {
        *names.entry(*fold).or_default() += 1;
        names
    });
    for (fold, questions) in names {
        let best = best(grid.len(), |formula| goal(formula, &|other| other != fold));
        let here = |formula: usize, part: fn(&Score) -> f64| {
            100.0 * mean(scores.get(formula), &folds, &|other| other == fold, part)
        };
        say(&format!(
            "| {fold} | {questions} | {} | {:.1} | {:.1} | {:.1} | {:.1} |",
            grid.get(best).map_or("", |(name, _)| name),
            here(best, |score| score.unit),
            here(best, |score| score.session),
            here(0, |score| score.unit),
            here(0, |score| score.session),
        ));
    }
    let all = best(grid.len(), |formula| goal(formula, &|_| true));
    for (name, formula) in [("best on all", all), ("default", 0)] {
        say(&format!(
            "{name}: {}, unit R@10 {:.1}, session R@5 {:.1}",
            grid.get(formula).map_or("", |(name, _)| name),
            100.0 * mean(scores.get(formula), &folds, &|_| true, |score| score.unit),
            100.0
                * mean(scores.get(formula), &folds, &|_| true, |score| score
                    .session),
        ));
    }
    Ok(())
}

/// Returns the formulas to choose from, the default first.
fn grid() -> Vec<(String, Formula)> {
    let mut grid = vec![("default".to_owned(), Formula::default())];
    for vector in [0.4, 0.5, 0.6] {
        for own in [0.2, 0.3, 0.4] {
            for parent in [0.3, 0.4, 0.5] {
                let mut formula = Formula::default();
                (formula.short_vector, formula.long_vector) = (vector, vector);
                (formula.own_words, formula.own_vector) = (own, own);
                formula.parent = parent;
                grid.push((
                    format!("vector {vector}, own {own}, parent {parent}"),
                    formula,
                ));
            }
        }
    }
    for date in [0.2, 0.4, 0.6] {
        for day in [0.4, 0.6, 0.8, 1.0] {
            let mut formula = Formula::default();
            (formula.date, formula.day) = (date, day);
            grid.push((format!("date {date}, day {day}"), formula));
        }
    }
    grid
}

fn folds(questions: &[Question]) -> Vec<usize> {
    let mut names: Vec<&str> = questions
        .iter()
        .map(|question| question.namespace.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    questions
        .iter()
        .enumerate()
        .map(|(number, question)| {
            if names.len() > 1 {
                names
                    .binary_search(&question.namespace.as_str())
                    .unwrap_or(0)
            } else {
                number % FOLDS
            }
        })
        .collect()
}

fn score(task: &Task, formula: Formula) -> anyhow::Result<Vec<Score>> {
    task.questions
        .iter()
        .map(|question| {
            let found = found(task, question, Mode::Hybrid, formula)?;
            Ok(Score {
                unit: recall(&question.units, &found.units, 10),
                session: recall(&question.sessions, &found.sessions, 5),
            })
        })
        .collect()
}

fn mean(
    scores: Option<&Vec<Score>>,
    folds: &[usize],
    takes: &dyn Fn(usize) -> bool,
    part: impl Fn(&Score) -> f64,
) -> f64 {
    let counted = scores
        .into_iter()
        .flatten()
        .zip(folds)
        .filter(|(_, fold)| takes(**fold));
    let (sum, number) = counted.fold((0.0, 0.0), |(sum, number), (score, _)| {
        (sum + part(score), number + 1.0)
    });
    sum / f64::max(number, 1.0)
}

/// Returns the first of the best.
fn best(number: usize, goal: impl Fn(usize) -> f64) -> usize {
    (1..number).fold(
        0,
        |best, next| if goal(next) > goal(best) { next } else { best },
    )
}
