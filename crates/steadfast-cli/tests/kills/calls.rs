//! Kills at each system call by which a command changes a file.
//!
//! strace counts the calls of each kind in each thread of a run, then injects SIGKILL at the
//! first, second, .. of each kind: the program dies on entering the call.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use steadfast_testkit::{Figure, Random, cases, seed, tell};

use crate::oracle::Contents;
use crate::world::{Step, World, copy, is_acknowledged};

/// The calls that change a file; a question mark lets strace pass over those that a machine has not.
const CALLS: &str = "trace=?write,?pwrite64,?writev,?pwritev,?fsync,?fdatasync,?ftruncate,?fallocate,\
                     ?rename,?renameat,?renameat2,?unlink,?unlinkat,?link,?linkat,?mkdir,?mkdirat";

/// Kills of one run without `STEADFAST_SOAK`, over all scenarios.
const KILLS: usize = 24;

/// A command, the store in which it is given, and what must be there after it.
struct Scenario {
    world: World,
    step: Step,
    after: Contents,
}

/// Lives until a step, and keeps the store as it is before it.
fn until(journal: &'static str, before: &[Step], step: Step) -> Scenario {
    let mut world = World::new(journal);
    for step in before {
        let after = world.prepare(step);
        let run = world
            .program(&world.store())
            .args(world.arguments(step))
            .output()
            .unwrap();
        assert!(is_acknowledged(&run.stdout), "{step:?}");
        world.advance(after);
    }
    let after = world.prepare(&step);
    Scenario { world, step, after }
}

fn scenarios(journal: &'static str) -> Vec<Scenario> {
    let remember = |name: &str| Step::Remember(name.to_owned());
    let index = |edition: u32| {
        let file = |name: &str| (format!("{name}.md"), edition);
        Step::Index(vec![file("fa"), file("fb"), file("fc")])
    };
    let first = [remember("na"), index(1)];
    vec![
        until(journal, &[], index(1)),
        until(journal, &first, index(2)),
        until(journal, &first, remember("nb")),
        until(journal, &first, Step::Forget("na".to_owned())),
        until(journal, &first, Step::Rebuild),
        until(journal, &first, Step::Backup),
    ]
}

impl Scenario {
    /// Returns the command under strace, on a store of its own.
    fn traced(&self, store: &Path, options: &[&str]) -> Command {
        if self.world.store().exists() {
            copy(&self.world.store(), store);
        }
        let mut command = self.world.wrapped("strace", store);
        command
            .args(["-f", "-qq"])
            .args(options)
            .arg(env!("CARGO_BIN_EXE_steadfast"))
            .args(self.world.arguments(&self.step));
        command
    }

    /// Returns how often each call is made, at most, by one thread.
    fn calls(&self) -> Vec<(String, usize)> {
        let log = self.world.path("calls");
        let log_name = log.display().to_string();
        let run = self
            .traced(&self.world.path("counted"), &["-o", &log_name, "-e", CALLS])
            .output()
            .unwrap();
        assert!(is_acknowledged(&run.stdout), "{:?}", self.step);
        // The copy that it has made is not to be in the way of the next one.
        self.world.discard_backup();
        let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
        for line in std::fs::read_to_string(log).unwrap().lines() {
            let (thread, rest) = line.split_once(' ').unwrap_or_default();
            let call = rest.trim_start().split('(').next().unwrap_or_default();
            if rest.contains('(') && !rest.trim_start().starts_with('<') {
                *counts
                    .entry((call.to_owned(), thread.to_owned()))
                    .or_default() += 1;
            }
        }
        let mut most: BTreeMap<String, usize> = BTreeMap::new();
        for ((call, _), count) in counts {
            let entry = most.entry(call).or_default();
            *entry = count.max(*entry);
        }
        most.into_iter().collect()
    }

    fn kill_at(&self, call: &str, number: usize) -> Result<(), String> {
        let store = self.world.path(&format!("killed-{call}-{number}"));
        let (trace, inject) = (
            format!("trace={call}"),
            format!("inject={call}:signal=SIGKILL:when={number}"),
        );
        let run = self
            .traced(&store, &["-o", "/dev/null", "-e", &trace, "-e", &inject])
            .output()
            .unwrap();
        let acknowledged = is_acknowledged(&run.stdout);
        let settled = self
            .world
            .settle(&store, &self.step, &self.after, acknowledged);
        self.world.discard_backup();
        settled
    }
}

fn has_strace() -> bool {
    let tried = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "true"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    tried.is_ok_and(|status| status.success())
}

#[test]
fn a_command_that_is_killed_at_any_system_call_leaves_all_or_nothing() {
    if !has_strace() {
        let mut out = std::io::stdout();
        writeln!(out, "skipped: strace is missing, or may not trace").unwrap();
        return;
    }
    let mut random = Random::new(seed(3));
    for journal in ["wal", "truncate"] {
        let scenarios = scenarios(journal);
        let points: Vec<(&Scenario, String, usize)> = scenarios
            .iter()
            .flat_map(|scenario| {
                let calls = scenario.calls();
                let all = calls
                    .into_iter()
                    .flat_map(|(call, count)| (1..=count).map(move |n| (call.clone(), n)));
                all.map(move |(call, number)| (scenario, call, number))
            })
            .collect();
        assert!(points.len() > 100, "{} calls", points.len());
        // A few that the seed draws, or each of them.
        let wanted = cases(KILLS) / 2;
        let percent = wanted * 100 / points.len();
        let drawn: Vec<_> = points
            .iter()
            .filter(|_| percent >= 100 || random.chance(percent + 1))
            .collect();
        for (scenario, call, number) in &drawn {
            let step = &scenario.step;
            scenario
                .kill_at(call, *number)
                .unwrap_or_else(|what| panic!("{journal}, {step:?}, {call} {number}: {what}"));
        }
        tell(
            "kill -9 on entering a system call",
            Figure::Cases(drawn.len()),
        );
    }
}
