//! A bar on a terminal for work that takes a while: rate, time left, current file.

use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
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
    "{spinner} {prefix} {human_pos}/{human_len} [{bar:24}] {per_sec}, {eta} left  {wide_msg}";

impl Bar {
    pub(crate) fn new() -> Self {
        let shown = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
                bar.set_style(style.progress_chars("=> "));
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
            bar.set_message(super::clean(name, true).into_owned());
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
