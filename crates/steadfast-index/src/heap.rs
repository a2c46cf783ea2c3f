//! Memory that is free in this process and not yet in the system.

/// Gives it back. glibc keeps it whenever anything above it is in use, as there always is after page caches were freed;
/// other allocators are left to their own ways.
pub(crate) fn trim() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        #[expect(unsafe_code, reason = "there is no safe binding of it")]
        // SAFETY: it may be called at any time from any thread: it takes the allocator's own locks and touches nothing
        // but free memory.
        let is_trimmed = unsafe { libc::malloc_trim(0) };
        // Whether there was any says nothing that anybody would act on.
        let _ = is_trimmed;
    }
}
