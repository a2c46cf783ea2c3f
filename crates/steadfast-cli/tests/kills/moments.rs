//! Kills at moments that a seed draws.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use steadfast::Note;
use steadfast_testkit::{Figure, Random, cases, seed, tell};

use crate::oracle::{Admissible, Contents};
use crate::world::{Step, World, is_acknowledged, name, passage};

/// Kills after which a world begins anew, so that asking it stays cheap.
const WORLD_KILLS: usize = 40;
/// Files of the tree.
const FILES: u32 = 5;
/// Notes that are sent to one server.
const NOTES: u32 = 30;

/// Draws what the user does next.
fn draw(world: &World, random: &mut Random, number: u32) -> Step {
    let notes: Vec<&String> = world
        .contents
        .keys()
        .filter(|key| key.starts_with("note-n"))
        .collect();
    match random.below(10) {
        0..3 => Step::Remember(name("n", number)),
        3..7 => {
            let changed = (0..FILES).filter(|_| random.chance(60));
            Step::Index(
                changed
                    .map(|file| (format!("{}.md", name("f", file)), number))
                    .collect(),
            )
        }
        7 if !notes.is_empty() => {
            let source = notes[random.below(notes.len())];
            Step::Forget(source.trim_start_matches("note-").to_owned())
        }
        8 => Step::Backup,
        _ => Step::Rebuild,
    }
}

/// Runs a step and kills it after a while; returns whether it was acknowledged before.
fn kill(world: &World, step: &Step, delay: Duration) -> bool {
    let mut child = world
        .program(&world.store())
        .args(world.arguments(step))
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let (told, said) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut all = Vec::new();
        stdout.read_to_end(&mut all).unwrap();
        told.send(all).unwrap();
    });
    // Either it has ended by itself, or it is killed in the middle.
    let early = said.recv_timeout(delay).ok();
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap();
    let all = early.unwrap_or_else(|| said.recv().unwrap());
    is_acknowledged(&all)
}

/// Returns how long a step takes when nobody kills it.
fn usual(world: &World) -> Duration {
    let begun = Instant::now();
    let run = world
        .program(&world.path("usual"))
        .args(["--json", "remember", "how long does it take"])
        .output()
        .unwrap();
    assert!(is_acknowledged(&run.stdout));
    begun.elapsed()
}

#[test]
fn a_command_that_is_killed_loses_nothing_that_it_has_acknowledged() {
    let (kills, seed) = (cases(14), seed(0x5eed));
    let mut random = Random::new(seed);
    let mut world = World::new("wal");
    let usual = usual(&world);
    for number in 0..kills {
        if number % WORLD_KILLS == WORLD_KILLS - 1 {
            world = World::new(["wal", "truncate"][number / WORLD_KILLS % 2]);
        }
        let step = draw(&world, &mut random, u32::try_from(number % 17_000).unwrap());
        let after = world.prepare(&step);
        let delay = usual.mul_f64(f64::from(u32::try_from(random.below(1400)).unwrap()) / 1000.0);
        let acknowledged = kill(&world, &step, delay);
        world
            .settle(&world.store(), &step, &after, acknowledged)
            .unwrap_or_else(|what| {
                panic!(
                    "seed {seed}, kill {number}, {}, {step:?}: {what}",
                    world.journal
                )
            });
        world.advance(after);
    }
    tell("kill -9 of a command", Figure::Cases(kills));
}

/// Sends notes to a server, kills it after some answers, and returns those that were acknowledged.
fn kill_server(world: &World, notes: &[String], answers: usize, delay: Duration) -> Vec<String> {
    let mut child = world
        .program(&world.store())
        .arg("mcp")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let initialize = json!({"protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"}});
    let mut lines = vec![
        json!({"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": initialize}),
    ];
    lines.push(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    lines.extend(notes.iter().map(|name| {
        let arguments = json!({"text": passage(name, 1), "source": format!("note-{name}")});
        json!({"jsonrpc": "2.0", "id": name, "method": "tools/call",
            "params": {"name": "remember", "arguments": arguments}})
    }));
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    let text = lines.join("\n") + "\n";
    let (told, said) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        for line in output.lines() {
            // The line in which it was killed may be cut.
            let Ok(answer) = line.map(|line| serde_json::from_str::<Value>(&line)) else {
                break;
            };
            let Ok(answer) = answer else { break };
            let is_done = answer["result"]["structuredContent"]["id"].is_string();
            if is_done && let Some(name) = answer["id"].as_str() {
                told.send(name.to_owned()).unwrap();
            }
        }
    });
    // Who is killed may close its end first.
    drop(input.write_all(text.as_bytes()));
    let mut acknowledged: Vec<String> = said.iter().take(answers).collect();
    if let Ok(name) = said.recv_timeout(delay) {
        acknowledged.push(name);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap();
    acknowledged.extend(said.iter());
    acknowledged
}

/// Returns what may be there when some of the notes were acknowledged.
fn admissible(before: &Contents, notes: &[String], acknowledged: &[String]) -> Admissible {
    let mut all = before.clone();
    let mut told = before.clone();
    for name in notes {
        let version = vec![passage(name, 1)];
        all.insert(format!("note-{name}"), version.clone());
        if acknowledged.contains(name) {
            told.insert(format!("note-{name}"), version);
        }
    }
    Admissible::between(&told, &all)
}

#[test]
fn a_server_that_is_killed_loses_no_note_that_it_has_acknowledged() {
    let (kills, seed) = (cases(6), seed(0xacce));
    let mut random = Random::new(seed);
    let mut acknowledged_all = 0;
    for number in 0..kills {
        let mut world = World::new(["wal", "truncate"][number % 2]);
        let notes: Vec<String> = (0..NOTES).map(|number| name("n", number)).collect();
        let answers = random.below(notes.len());
        let delay = Duration::from_micros(random.below(3000) as u64);
        let acknowledged = kill_server(&world, &notes, answers, delay);
        acknowledged_all += acknowledged.len();
        let may = admissible(&world.contents, &notes, &acknowledged);
        let found = world
            .ask(&world.store(), &may)
            .unwrap_or_else(|what| panic!("seed {seed}, kill {number}, {}: {what}", world.journal));
        world.advance(found);
        // A note that was not acknowledged is told again, and is there once.
        let step = Step::Remember(notes[random.below(notes.len())].clone());
        let mut after = world.contents.clone();
        if let Step::Remember(name) = &step {
            after.insert(
                format!("note-{name}"),
                vec![Note::new(passage(name, 1)).text],
            );
        }
        let acknowledged = kill(&world, &step, Duration::from_mins(1));
        assert!(acknowledged);
        world
            .settle(&world.store(), &step, &after, acknowledged)
            .unwrap_or_else(|what| panic!("seed {seed}, kill {number}, told again: {what}"));
    }
    assert!(acknowledged_all > 0);
    tell("kill -9 of a server", Figure::Cases(kills));
    tell(
        "notes acknowledged by killed servers",
        Figure::Cases(acknowledged_all),
    );
}
