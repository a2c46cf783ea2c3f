//! A bar on a terminal for work that takes a while: rate, time left, current file.

use std::fmt;
use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use steadfast::Progress;

/// Shows progress on standard error when that is a terminal, else nothing.
pub(crate) struct Bar {
    shown: Option<ProgressBar>,
    /// What the bar counts at the moment, to begin anew with the next stage.
    stage: Mutex<String>,
}

/// How often the bar is drawn.
const TICK: Duration = Duration::from_millis(100);

/// What the bar looks like.
const TEMPLATE: &str =
    "{spinner} {prefix} {human_pos}/{human_len} [{bar:24}] {rate}, {eta} left  {wide_msg}";

/// How much of a file's name is shown; its end tells most.
const ITEM_CHARS: usize = 40;

impl Bar {
    pub(crate) fn new() -> Self {
        let shown = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
                let rate = |state: &ProgressState, out: &mut dyn fmt::Write| {
                    // A bar that cannot be drawn is no reason to stop.
                    write!(out, "{:.0}/s", state.per_sec()).unwrap_or_default();
                };
                bar.set_style(style.progress_chars("=> ").with_key("rate", rate));
            }
            bar.enable_steady_tick(TICK);
            bar
        });
        Self {
            shown,
            stage: Mutex::default(),
        }
    }
}

impl Progress for Bar {
    fn step(&self, stage: &str, done: u64, total: u64) -> bool {
        if let Some(bar) = &self.shown {
            if let Ok(mut current) = self.stage.lock()
                && *current != stage
            {
                stage.clone_into(&mut current);
                bar.set_prefix(stage.to_owned());
                bar.reset();
            }
            bar.set_length(total.max(done));
            bar.set_position(done);
        }
        true
    }

    fn item(&self, name: &str) {
        if let Some(bar) = &self.shown {
            bar.set_message(end_of(&super::clean(name, true)));
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}

/// Returns the end of a long name, or a short one as it is.
fn end_of(name: &str) -> String {
    let left_out = name.chars().count().saturating_sub(ITEM_CHARS);
    if left_out == 0 {
        return name.to_owned();
    }
    let end: String = name.chars().skip(left_out).collect();
    format!("...{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_name_the_end_is_shown() {
        assert_eq!(end_of("/a/b.md"), "/a/b.md");
        let long = format!("/{}/file.md", "folder/".repeat(20));
        assert_eq!(end_of(&long).chars().count(), ITEM_CHARS + 3);
        assert!(end_of(&long).ends_with("folder//file.md"));
    }
}
