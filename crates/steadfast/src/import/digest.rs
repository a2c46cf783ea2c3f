//! The hash that several foreign stores keep of their texts.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// Returns the SHA-256 of some bytes, in hexadecimal.
pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        if write!(hex, "{byte:02x}").is_err() {
            // A string takes whatever is written to it.
            break;
        }
    }
    hex
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_empty_text_has_the_known_hash() {
        assert_eq!(
            super::sha256_hex(b""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }
}
