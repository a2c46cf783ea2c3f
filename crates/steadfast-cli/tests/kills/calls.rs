//! Kills at each system call by which a command changes a file.

use std::path::Path;
use std::process::Output;

use steadfast_testkit::{Figure, Random, cases, seed, tell};

use crate::oracle::Contents;
use crate::strace::{self, Point};
use crate::world::{Step, World, copy, is_acknowledged};

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
    /// Runs the command under strace, on a store of its own.
    fn run(&self, store: &Path, options: &[String]) -> Output {
        if self.world.store().exists() {
            copy(&self.world.store(), store);
        }
        let mut command = self.world.wrapped("strace", store);
        strace::trace(&mut command, options, &self.world.arguments(&self.step));
        command.output().unwrap()
    }

    fn points(&self) -> Vec<Point> {
        let points = strace::points(&self.world.path("calls"), |options| {
            let run = self.run(&self.world.path("counted"), options);
            assert!(is_acknowledged(&run.stdout), "{:?}", self.step);
            run
        });
        // The copy that it has made is not to be in the way of the next one.
        self.world.discard_backup();
        points
    }

    fn kill_at(&self, point: &Point) -> Result<(), String> {
        let name = format!("killed-{}-{}", point.call, point.number);
        let store = self.world.path(&name);
        let run = self.run(&store, &point.options());
        let acknowledged = is_acknowledged(&run.stdout);
        let settled = self
            .world
            .settle(&store, &self.step, &self.after, acknowledged);
        self.world.discard_backup();
        settled
    }
}

#[test]
fn a_command_that_is_killed_at_any_system_call_leaves_all_or_nothing() {
    if !strace::is_there() {
        return;
    }
    let mut random = Random::new(seed(3));
    for journal in ["wal", "truncate"] {
        let scenarios = scenarios(journal);
        let points: Vec<(&Scenario, Point)> = scenarios
            .iter()
            .flat_map(|scenario| {
                let points = scenario.points();
                points.into_iter().map(move |point| (scenario, point))
            })
            .collect();
        assert!(points.len() > 100, "{} calls", points.len());
        let drawn = strace::draw(points, cases(KILLS) / 2, &mut random);
        for (scenario, point) in &drawn {
            let step = &scenario.step;
            scenario
                .kill_at(point)
                .unwrap_or_else(|what| panic!("{journal}, {step:?}, {point:?}: {what}"));
        }
        tell(
            "kill -9 on entering a system call",
            Figure::Cases(drawn.len()),
        );
    }
}
