//! The suite that every backend of collections passes.
//!
//! A backend runs it with
//! [`collection_conformance_tests!`](crate::collection_conformance_tests), which
//! makes one test of each subject, or with [`run`]. The suite speaks to
//! [`Collections`](super::Collections) alone: what is deliberately not here is
//! anything about files and processes.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a subject fails by panicking, like the test that it is"
)]

mod bench;
mod filters;
mod handles;
mod queries;
mod random;
mod refusals;
mod writes;

pub use bench::Bench;

/// One subject of the suite: its name, and what fails by panicking.
pub type Subject = (&'static str, fn(&Bench<'_>));

/// Makes one test of each subject, given a [`Bench`](crate::collection::conformance::Bench) as an expression.
///
/// The tests stand in a module of their own: paths in the expression start at `super` or `crate`.
#[macro_export]
macro_rules! collection_conformance_tests {
    (@list $($room:ident: $($name:ident)*;)*) => {
        $(pub use $room::{$($name),*};)*

        /// All subjects.
        pub const SUBJECTS: &[Subject] = &[$($((stringify!($name), $name),)*)*];
    };
    (@tests ($bench:expr) $($room:ident: $($name:ident)*;)*) => {
        mod subjects {
            $($(
                #[test]
                fn $name() {
                    $crate::collection::conformance::$name(&$bench);
                }
            )*)*
        }
    };
    (@subjects $then:ident $($with:tt)*) => {
        $crate::collection_conformance_tests! {
            @$then $($with)*
            writes:
                records_come_back_byte_by_byte
                add_leaves_what_is_there
                upsert_makes_a_record_what_is_given
                update_merges_and_passes_over_what_is_missing
                deleted_records_are_found_nowhere
                ten_thousand_records_are_one_commit
                given_vectors_come_back_bit_by_bit
                secrets_are_taken_out_unless_bytes_are_to_be_kept
                records_keep_the_order_in_which_they_came;
            refusals:
                lists_of_different_lengths_are_refused
                ids_are_neither_empty_nor_twice
                an_empty_filter_deletes_nothing
                vectors_of_another_space_are_refused
                metadata_is_scalars_and_lists_of_scalars
                a_call_without_content_is_refused;
            filters:
                every_operator_equals_the_filter_by_hand
                unknown_operators_are_refused
                documents_are_filtered_by_their_text
                filters_act_before_candidates_are_chosen;
            queries:
                answers_have_the_shape_of_the_questions
                the_nearest_are_those_of_brute_force
                equally_near_records_keep_their_order
                a_collection_with_fewer_records_gives_all
                texts_find_what_they_mean
                documents_without_known_words_are_found_too
                columns_are_those_that_were_asked_for;
            handles:
                nothing_is_created_unasked
                creation_is_idempotent
                collections_are_isolated
                a_deleted_collection_is_gone_for_every_handle
                a_closed_handle_says_so
                first_opens_may_come_at_once
                writers_of_one_id_agree
                health_tells_the_state;
            random:
                random_histories_equal_a_plain_map;
        }
    };
    ($bench:expr) => {
        $crate::collection_conformance_tests! { @subjects tests ($bench) }
    };
}

collection_conformance_tests! { @subjects list }

/// Runs every subject; the first that fails panics.
pub fn run(bench: &Bench<'_>) {
    for (_, subject) in SUBJECTS {
        subject(bench);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::collection::{Choice, Registry};

    /// Returns a bench for a backend of the library, in a folder that goes with it.
    fn bench(name: &str) -> Bench<'static> {
        let root = tempfile::tempdir().expect("a temporary folder");
        let choice = Choice {
            explicit: Some(name.to_owned()),
            ..Choice::default()
        };
        let (provider, _) = Registry::default()
            .resolve(&choice, root.path())
            .expect("a provider");
        let places = Cell::new(0);
        Bench::new(provider, move || {
            places.set(places.get() + 1);
            root.path().join(places.get().to_string())
        })
    }

    mod embedded {
        collection_conformance_tests!(super::super::bench("embedded"));
    }

    mod memory {
        collection_conformance_tests!(super::super::bench("memory"));
    }
}
