//! The parts of the proof: which tests they are, and how much of each is tried.

/// Where the tests of a part are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    /// A test of its own, in `tests/`.
    Test(&'static str),
    /// The tests inside a command.
    Command(&'static str),
}

impl Target {
    /// Returns how cargo is asked for it.
    pub(super) fn arguments(self) -> [&'static str; 2] {
        match self {
            Self::Test(name) => ["--test", name],
            Self::Command(name) => ["--bin", name],
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Test(name) | Self::Command(name) => name,
        }
    }
}

/// Some tests, and how much one run of them tries.
pub(super) struct Part {
    pub(super) name: &'static str,
    pub(super) package: &'static str,
    pub(super) target: Target,
    /// Tests whose name has one of these in it; all of them when there is none.
    pub(super) filters: &'static [&'static str],
    /// So many times the cases of a plain `cargo test`, in a round of a long run.
    pub(super) times: u32,
    /// The same in the bounded set.
    pub(super) times_bounded: u32,
    /// For how long whatever hunts goes on in the bounded set.
    pub(super) seconds_bounded: Option<u32>,
}

const PROMISES: Target = Target::Test("promises");
const PROCESSES: Target = Target::Test("processes");

const fn promise(
    name: &'static str,
    filters: &'static [&'static str],
    times: u32,
    times_bounded: u32,
) -> Part {
    Part {
        name,
        package: "steadfast",
        target: PROMISES,
        filters,
        times,
        times_bounded,
        seconds_bounded: None,
    }
}

/// The parts. A round of all of them takes some minutes, the bounded set at most twelve on two processors.
pub(super) const PARTS: &[Part] = &[
    promise("images of a life", &["never_loses::a_power_cut"], 20, 50),
    promise(
        "images of several writers",
        &["never_duplicates::the_power"],
        20,
        20,
    ),
    promise("images of upkeep", &["upkeep"], 10, 20),
    promise(
        "faults",
        &[
            "never_loses::a_disk",
            "never_misses::a_disk",
            "never_duplicates::whoever",
        ],
        20,
        35,
    ),
    promise("faults while opening", &["always_opens::a_disk"], 4, 12),
    promise("faults while reading", &["codes::a_read"], 20, 27),
    promise("codes", &["codes::each"], 1, 1),
    promise("damage", &["always_opens::a_store_that_is"], 10, 11),
    promise(
        "damage of indexes",
        &["never_misses::an_index_that_is_damaged"],
        5,
        5,
    ),
    promise("flips", &["always_opens::a_bit"], 50, 100),
    Part {
        name: "operations",
        package: "steadfast-index",
        target: Target::Test("oracle"),
        filters: &["whatever_happens"],
        times: 25,
        times_bounded: 13,
        seconds_bounded: None,
    },
    Part {
        name: "kills",
        package: "steadfast-cli",
        target: Target::Test("kills"),
        filters: &["moments", "calls"],
        times: 10,
        times_bounded: 12,
        seconds_bounded: None,
    },
    Part {
        name: "kills of imports and repairs",
        package: "steadfast-cli",
        target: Target::Test("kills"),
        filters: &["imports", "palaces"],
        times: 3,
        times_bounded: 1,
        seconds_bounded: None,
    },
    Part {
        name: "cuts",
        package: "steadfast",
        target: PROCESSES,
        filters: &["disks"],
        times: 8,
        times_bounded: 8,
        seconds_bounded: None,
    },
    Part {
        name: "cold starts",
        package: "steadfast",
        target: PROCESSES,
        filters: &["cold"],
        times: 3,
        times_bounded: 2,
        seconds_bounded: None,
    },
    Part {
        name: "16 processes",
        package: "steadfast",
        target: PROCESSES,
        filters: &["rescans"],
        times: 10,
        times_bounded: 1,
        seconds_bounded: Some(30),
    },
    Part {
        name: "fuzz",
        package: "steadfast",
        target: Target::Test("fuzz"),
        filters: &[],
        times: 10,
        times_bounded: 1,
        seconds_bounded: Some(20),
    },
    Part {
        name: "fuzz of settings",
        package: "steadfast-cli",
        target: Target::Command("steadfast"),
        filters: &["config::fuzz"],
        times: 10,
        times_bounded: 1,
        seconds_bounded: Some(20),
    },
];
