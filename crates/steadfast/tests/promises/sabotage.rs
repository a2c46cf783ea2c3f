//! The test of the tests: a planted mistake must be found by the promise test that is named for it.
//!
//! The mistakes are in `steadfast-store`, behind the feature `sabotage`. A child
//! process plants one and runs one test; without the feature nothing is planted
//! and nothing is tested here.

/// Names the mistake to plant.
#[cfg(feature = "sabotage")]
const SABOTAGE: &str = "STEADFAST_SABOTAGE";

/// Plants the mistake that the parent process names, if this is a child.
#[cfg(feature = "sabotage")]
pub(crate) fn plant_as_told() {
    use steadfast_store::sabotage::{Sabotage, plant};
    let Ok(wanted) = std::env::var(SABOTAGE) else {
        return;
    };
    let mut all = Sabotage::ALL.iter();
    plant(*all.find(|it| format!("{it:?}") == wanted).unwrap());
}

/// Plants nothing: the product has nothing to plant.
#[cfg(not(feature = "sabotage"))]
pub(crate) fn plant_as_told() {}

#[cfg(feature = "sabotage")]
mod tests {
    use std::process::Command;

    use steadfast_store::sabotage::Sabotage;

    use super::SABOTAGE;

    /// Each mistake with the test that must find it.
    const FOUND_BY: [(Sabotage, &str); Sabotage::ALL.len()] = [
        (
            Sabotage::SynchronousOff,
            "never_loses::a_power_cut_at_any_moment_of_a_life_with_truncate_loses_nothing",
        ),
        (
            Sabotage::AcknowledgedUnflushed,
            "never_loses::a_power_cut_at_any_moment_of_a_life_with_wal_loses_nothing",
        ),
        (
            Sabotage::NoUniqueKey,
            "never_duplicates::the_power_goes_while_several_write_with_wal",
        ),
        (
            Sabotage::TailNotSearched,
            "never_misses::a_note_is_found_by_another_handle_at_once_and_after_every_publication",
        ),
        (
            Sabotage::FilterAfterCut,
            "never_misses::a_filter_acts_before_the_best_are_chosen",
        ),
        (
            Sabotage::WatermarkAhead,
            "never_loses::a_power_cut_at_any_moment_of_a_life_with_wal_loses_nothing",
        ),
        (
            Sabotage::HashNotChecked,
            "always_opens::a_store_that_is_damaged_in_any_file_and_any_way_gives_no_wrong_text",
        ),
        (
            Sabotage::SideFileDeleted,
            "always_opens::a_disk_that_fails_while_a_wal_store_is_opened",
        ),
        (
            Sabotage::QuarantineUnproven,
            "never_misses::a_sound_index_is_never_set_aside",
        ),
        (
            Sabotage::MigrationNotRechecked,
            "always_opens::a_store_that_was_killed_opens_in_the_other_journal_with_all_that_is_in_its_log",
        ),
        (
            Sabotage::PoisonedReused,
            "never_loses::a_handle_whose_flush_failed_takes_no_more_writes",
        ),
        (
            Sabotage::DoubtIgnored,
            "never_loses::what_is_written_behind_a_failed_flush_outlives_a_power_cut",
        ),
        (
            Sabotage::LeaseNotSwept,
            "never_loses::what_is_left_of_a_purge_is_done_by_whoever_comes_next",
        ),
        (
            Sabotage::FolderNotFlushed,
            "never_loses::a_power_cut_at_any_moment_of_a_life_with_wal_loses_nothing",
        ),
        (
            Sabotage::FileNotFlushed,
            "never_loses::a_power_cut_at_any_moment_of_a_life_with_wal_loses_nothing",
        ),
    ];

    #[test]
    fn each_planted_mistake_is_found_by_the_test_that_is_named_for_it() {
        let mut missed = Vec::new();
        for (sabotage, test) in FOUND_BY {
            let run = Command::new(std::env::current_exe().unwrap())
                .args([test, "--exact", "--test-threads=1"])
                .env(SABOTAGE, format!("{sabotage:?}"))
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&run.stdout);
            // A test that is not there fails nothing.
            if run.status.success() || !said.contains("0 passed; 1 failed") {
                missed.push(format!("{sabotage:?} by {test}"));
            }
        }
        assert!(missed.is_empty(), "not found: {missed:#?}");
    }

    #[test]
    fn every_mistake_has_a_test() {
        for sabotage in Sabotage::ALL {
            assert!(
                FOUND_BY.iter().any(|(found, _)| *found == sabotage),
                "{sabotage:?}"
            );
        }
    }
}
