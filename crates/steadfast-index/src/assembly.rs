//! How a large file of an index is put together: neither what goes into it nor what it becomes is in memory twice.

/// How much a merge reads before it lets go of it.
pub(crate) const STEP_BYTES: usize = 16 << 20;

/// Puts `head` before the body of a file of `file_bytes` without a second copy of the body, which is most of it; what
/// comes behind has its room.
pub(crate) fn prepend(head: &[u8], mut body: Vec<u8>, file_bytes: usize) -> Vec<u8> {
    let length = body.len();
    body.reserve_exact(file_bytes.saturating_sub(length).max(head.len()));
    body.resize(length + head.len(), 0);
    body.copy_within(..length, head.len());
    if let Some(start) = body.get_mut(..head.len()) {
        start.copy_from_slice(head);
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_comes_before_its_body_and_what_comes_behind_has_its_room() {
        for head in [&b""[..], b"12", b"12345"] {
            let mut file = prepend(head, b"abc".to_vec(), head.len() + 7);
            assert_eq!(file, [head, b"abc"].concat());
            let at = file.as_ptr();
            file.extend(b"wxyz");
            assert_eq!(file.as_ptr(), at);
        }
        // A length that is too short costs a copy, and no byte.
        assert_eq!(prepend(b"12", b"abc".to_vec(), 0), b"12abc");
    }
}
