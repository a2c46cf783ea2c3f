//! The numbers of the oracle, counted anew each time.

use std::collections::{BTreeMap, BTreeSet};

use steadfast_model::{ContentHash, DocumentStatus, Finding, ModelId, Seq, Severity};

use super::state::{InSpace, State, count};
use crate::findings::stale_sources;
use crate::health::{Health, Verification};

pub(super) fn health(state: &State, model: &ModelId) -> Health {
    let with_status = |wanted: &[DocumentStatus]| {
        count(
            state
                .documents
                .values()
                .filter(|document| wanted.contains(&document.status)),
        )
    };
    let namespaces: BTreeSet<_> = state
        .live()
        .filter_map(|(_, chunk)| state.documents.get(&chunk.document))
        .map(|document| &document.namespace)
        .collect();
    let mut jobs = BTreeMap::new();
    for stored in state.jobs.values() {
        *jobs.entry(stored.state).or_insert(0) += 1;
    }
    Health {
        generation: Seq(state.seq),
        journal: "none".to_owned(),
        chunks: count(state.live()),
        sources: with_status(&[DocumentStatus::Indexed]),
        skipped: with_status(&[DocumentStatus::Skipped, DocumentStatus::Stale]),
        namespaces: count(namespaces.into_iter()),
        models: vec![model.clone()],
        jobs: jobs
            .into_iter()
            .map(|(state, jobs)| (state.as_str().to_owned(), jobs))
            .collect(),
        problems: stale_sources(with_status(&[DocumentStatus::Stale]))
            .into_iter()
            .collect(),
        ..Health::default()
    }
}

/// Hashes every text anew. Nothing rots here, so a finding means a caller's hash was wrong from the start.
pub(super) fn verify(state: &State) -> Verification {
    let mut verification = Verification::default();
    let mut wrong = 0;
    for chunk in state.chunks.values() {
        verification.chunks += 1;
        verification.vectors += u64::from(matches!(chunk.vector, InSpace::Present(_)));
        verification.text_bytes += u64::try_from(chunk.text.len()).unwrap_or(u64::MAX);
        wrong += u64::from(ContentHash::of(&chunk.text) != chunk.content_hash);
    }
    if wrong > 0 {
        verification.findings.push(Finding {
            code: "text_damaged",
            severity: Severity::Error,
            what: "texts do not have the hash they were written with".to_owned(),
            place: "memory".to_owned(),
            count: wrong,
            remedy: "write them again".to_owned(),
            ids: Vec::new(),
        });
    }
    verification
}
