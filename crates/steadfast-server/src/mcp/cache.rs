//! How long a client may keep an answer, for revisions that have a word for it.
//!
//! What a server is and can do stays as it is while it runs; what is stored can
//! be another a moment later, by another process. So the one may be kept for an
//! hour, and the other not at all. Both are for the client's own eyes.

use rmcp::model::{
    CacheScope, DiscoverResult, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, ReadResourceResult,
};

/// How long what does not change may be kept.
const FIXED_MS: u64 = 60 * 60 * 1_000;

/// An answer that says how long it may be kept.
pub(super) trait Cached: Sized {
    /// Returns it with what is to be said.
    fn keep(self, ttl_ms: u64, scope: CacheScope) -> Self;
}

macro_rules! cached {
    ($($result:ty),*) => {$(
        impl Cached for $result {
            fn keep(self, ttl_ms: u64, scope: CacheScope) -> Self {
                self.with_ttl_ms(ttl_ms).with_cache_scope(scope)
            }
        }
    )*};
}

cached!(
    DiscoverResult,
    ListPromptsResult,
    ListResourceTemplatesResult,
    ListResourcesResult,
    ListToolsResult,
    ReadResourceResult
);

/// Marks an answer that stays the same while the server runs.
pub(super) fn fixed<T: Cached>(answer: T) -> T {
    answer.keep(FIXED_MS, CacheScope::Private)
}

/// Marks an answer that may be another one a moment later.
pub(super) fn fresh<T: Cached>(answer: T) -> T {
    answer.keep(0, CacheScope::Private)
}
