//! Figures and the table that they become.

use std::time::Duration;

/// Wall times of one thing, done several times.
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Returns the time below which so many of a hundred are.
    pub(crate) fn at(&self, percent: usize) -> Duration {
        let last = self.0.len().saturating_sub(1);
        self.0
            .get(last * percent / 100)
            .copied()
            .unwrap_or_default()
    }

    pub(crate) fn median(&self) -> Duration {
        self.at(50)
    }

    pub(crate) fn text(&self) -> String {
        format!(
            "{} (p95 {})",
            milliseconds(self.at(50)),
            milliseconds(self.at(95))
        )
    }
}

pub(crate) fn milliseconds(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    if ms >= 100.0 {
        format!("{ms:.0} ms")
    } else {
        format!("{ms:.2} ms")
    }
}

pub(crate) fn per_second(count: u64, time: Duration) -> String {
    #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
    let rate = count as f64 / time.as_secs_f64().max(1e-9);
    format!("{rate:.0}/s")
}

/// The table of one run.
pub(crate) struct Table {
    chunks: usize,
    rows: Vec<(String, String, String)>,
}

impl Table {
    pub(crate) fn new(chunks: usize) -> Self {
        Self {
            chunks,
            rows: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, what: &str, figure: String, goal: &str) {
        #[expect(
            clippy::print_stderr,
            reason = "a run takes minutes; this says how far it is"
        )]
        {
            eprintln!("{what}: {figure}");
        }
        self.rows.push((what.to_owned(), figure, goal.to_owned()));
    }

    #[expect(clippy::print_stdout, reason = "the table is what the program is for")]
    pub(crate) fn print(&self) {
        println!(
            "| {} chunks | measured | must / aim |\n|---|---|---|",
            self.chunks
        );
        for (what, figure, goal) in &self.rows {
            println!("| {what} | {figure} | {goal} |");
        }
    }
}
