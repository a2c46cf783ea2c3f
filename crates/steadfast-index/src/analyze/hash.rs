//! The hash of a term: 64 bits, part of the stored format.
//!
//! FNV-1a over the bytes of the finished term, then the 64-bit finaliser of
//! `MurmurHash3`, which spreads FNV's weak high bits so that sorted hashes are
//! spread evenly and a table over their leading bits finds them. Any change
//! here is a change of the analyser's id.

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// Returns the hash of a finished term.
pub(crate) fn term_hash(term: &[u8]) -> u64 {
    hash_bytes(term.iter().copied())
}

/// Returns the hash of a term given byte by byte.
pub(crate) fn hash_bytes(bytes: impl Iterator<Item = u8>) -> u64 {
    let hash = bytes.fold(FNV_OFFSET, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME)
    });
    mix(hash)
}

/// The finaliser: a bijection, so it adds no collisions.
fn mix(mut hash: u64) -> u64 {
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_a_term_never_changes() {
        // FNV-1a of "" and "a" before the finaliser are published values.
        assert_eq!(term_hash(b""), mix(0xcbf2_9ce4_8422_2325));
        assert_eq!(term_hash(b"a"), mix(0xaf63_dc4c_8601_ec8c));
        assert_eq!(term_hash(b"foobar"), mix(0x8594_4171_f739_67e8));
        assert_eq!(mix(0), 0);
        assert_eq!(mix(1), 0xb456_bcfc_34c2_cb2c);
    }
}
