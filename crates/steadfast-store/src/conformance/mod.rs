//! The suite that every backend passes, and the tools that tell two backends apart.
//!
//! A backend runs it with [`conformance_tests!`](crate::conformance_tests),
//! which makes one test of each subject, or with [`run`]. [`random_changes`]
//! and [`compare`] are for property tests against the oracle, and [`options`]
//! for backends over a store folder. The suite speaks
//! to [`Backend`] alone: what is deliberately not here is anything about files,
//! indexes or processes.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a subject fails by panicking, like the test that it is"
)]

mod bench;
mod chunks;
mod compare;
mod context;
mod filters;
mod forget;
#[cfg(test)]
mod ground;
mod jobs;
mod late;
mod marks;
mod names;
mod notes;
mod random;
mod reads;
mod records;
mod renames;
mod replace;
mod roots;
mod search;
mod words;

use std::sync::Arc;

use steadfast_model::Clock;

use crate::backend::Backend;

pub use bench::{Bench, DIMENSIONS, model, options};
pub use compare::{Questions, compare};
pub use random::{Random, random_changes};
pub use words::{PlainWords, vector_of};

/// Makes an empty backend over the space [`model`] that takes the time from the given clock.
pub type Make<'m> = dyn Fn(Arc<dyn Clock>) -> Box<dyn Backend> + 'm;

/// One subject of the suite: its name, and what fails by panicking.
pub type Subject = (&'static str, fn(&Bench<'_>));

/// Makes one test of each subject, given a [`Bench`](crate::conformance::Bench) as an expression.
///
/// The tests stand in a module of their own: paths in the expression start at `super` or `crate`.
#[macro_export]
macro_rules! conformance_tests {
    (@list $($room:ident: $($name:ident)*;)*) => {
        $(pub use $room::{$($name),*};)*

        /// All subjects, in the order in which they build on each other.
        pub const SUBJECTS: &[Subject] = &[$($((stringify!($name), $name),)*)*];
    };
    (@tests ($bench:expr) $($room:ident: $($name:ident)*;)*) => {
        mod subjects {
            $($(
                #[test]
                fn $name() {
                    $crate::conformance::$name(&$bench);
                }
            )*)*
        }
    };
    (@subjects $then:ident $($with:tt)*) => {
        $crate::conformance_tests! {
            @$then $($with)*
            chunks:
                an_empty_store_has_its_shapes
                every_field_survives
                a_batch_applies_wholly_or_not_at_all
                malformed_changes_are_refused;
            replace:
                ids_follow_texts_that_move
                of_two_equal_sections_one_deleted_one_is_left
                equal_texts_on_one_line_are_kept_apart
                the_same_content_again_changes_nothing
                attributes_change_in_place
                a_document_that_comes_back_keeps_its_attributes;
            notes:
                a_note_is_remembered_once
                a_note_that_no_longer_holds_is_another
                an_idempotency_key_holds_one_text
                one_source_holds_many_notes
                a_note_under_the_source_of_a_file_is_none_of_the_file
                a_restored_note_is_still_that_note;
            marks:
                marks_tell_what_became_of_a_source;
            names:
                a_tag_gets_another_name
                a_namespace_gets_another_name;
            renames:
                a_renamed_document_keeps_everything_else
                a_rename_that_may_not_be_changes_nothing;
            forget:
                forgotten_rows_are_found_nowhere
                forgotten_history_is_gone_too
                a_key_goes_with_the_rows_that_it_names
                forgotten_texts_are_withheld_until_revived
                a_forgotten_document_stays_out;
            filters:
                every_filter_equals_the_filter_by_hand
                validity_is_asked_for_a_moment
                narrow_scopes_lose_nothing;
            roots:
                roots_are_remembered
                assignments_stay_with_their_document;
            late:
                a_late_vector_is_searched
                a_late_vector_that_is_too_late_changes_nothing;
            context:
                surroundings_are_those_of_the_chunks;
            search:
                texts_rank_as_by_brute_force
                vectors_rank_as_by_brute_force
                reach_counts_every_row_once;
            reads:
                neighbours_know_their_distance
                lists_and_counts_add_up
                the_log_tells_every_commit
                accesses_are_counted
                a_snapshot_stays_as_it_was;
            records:
                a_collection_is_made_once
                collections_are_left_out_unless_named
                records_of_another_space_are_refused
                random_records_agree_with_the_oracle;
            jobs:
                a_job_waits_once_per_key
                a_clock_that_was_ahead_blocks_no_job
                a_job_that_comes_while_one_is_at_work_is_kept
                a_lease_runs_out_and_passes_on
                a_late_holder_is_told_by_the_number_of_its_lease
                a_job_fails_for_good_after_enough_attempts;
            compare:
                random_changes_agree_with_the_oracle;
        }
    };
    ($bench:expr) => {
        $crate::conformance_tests! { @subjects tests ($bench) }
    };
}

crate::conformance_tests! { @subjects list }

/// Runs every subject; the first that fails panics, with its name.
pub fn run(make: &Make<'_>, analyze: &dyn steadfast_model::Analyze) {
    let bench = Bench::new(make, analyze);
    for (name, subject) in SUBJECTS {
        let name = Named(name);
        subject(&bench);
        name.passed();
    }
}

/// Adds the name of a subject to the panic that it ends with.
struct Named(&'static str);

impl Named {
    fn passed(self) {
        std::mem::forget(self);
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        use std::io::Write as _;
        // A panic is on its way already; a stderr that is gone must not hide it.
        drop(writeln!(
            std::io::stderr(),
            "the backend does not pass `{}`",
            self.0
        ));
    }
}
