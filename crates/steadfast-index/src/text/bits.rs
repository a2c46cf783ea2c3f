//! Numbers of a fixed width in bits, lowest bit first.

/// Bytes that must follow packed numbers, so that each is read with one 8-byte load.
pub(super) const PADDING_BYTES: usize = 8;

/// Returns how many bits the number needs.
pub(super) fn width(value: u32) -> u8 {
    // At most 32, so the cast keeps it.
    #[expect(clippy::cast_possible_truncation, reason = "at most 32")]
    let width = (u32::BITS - value.leading_zeros()) as u8;
    width
}

/// Returns how many bytes `count` numbers of `bits` bits take.
pub(super) fn packed_bytes(count: usize, bits: u8) -> usize {
    (count * usize::from(bits)).div_ceil(8)
}

/// Appends the numbers, each in `bits` bits; the last byte is filled with zeros.
pub(super) fn pack(values: impl Iterator<Item = u32>, bits: u8, out: &mut Vec<u8>) {
    if bits == 0 {
        return;
    }
    let mut held = 0_u64;
    let mut held_bits = 0_u32;
    for value in values {
        held |= u64::from(value) << held_bits;
        held_bits += u32::from(bits);
        while held_bits >= 8 {
            out.extend(held.to_le_bytes().first());
            held >>= 8;
            held_bits -= 8;
        }
    }
    if held_bits > 0 {
        out.extend(held.to_le_bytes().first());
    }
}

/// Reads `out.len()` numbers of `bits` bits from the start of `bytes`.
///
/// Returns nothing when the width is no width or when fewer than
/// [`PADDING_BYTES`] bytes follow the numbers.
pub(super) fn unpack(bytes: &[u8], bits: u8, out: &mut [u32]) -> Option<()> {
    if bits == 0 {
        out.fill(0);
        return Some(());
    }
    let bytes = bytes.get(..packed_bytes(out.len(), bits) + PADDING_BYTES)?;
    let (groups, rest) = out.as_chunks_mut::<GROUP>();
    unpack_groups(bytes, bits, groups)?;
    // Eight numbers take as many bytes as one takes bits: the rest starts at a byte.
    let mut at = groups.len() * usize::from(bits) * 8;
    let mask = u64::MAX >> (64 - u32::from(bits));
    for slot in rest {
        let word = bytes.get(at / 8..)?.first_chunk::<8>()?;
        #[expect(clippy::cast_possible_truncation, reason = "at most 32 bits wide")]
        let value = (u64::from_le_bytes(*word) >> (at % 8) & mask) as u32;
        *slot = value;
        at += usize::from(bits);
    }
    Some(())
}

/// Numbers that are read together.
const GROUP: usize = 8;

/// Reads groups of numbers with one routine per width, in which all places and shifts are constants.
fn unpack_groups(bytes: &[u8], bits: u8, groups: &mut [[u32; GROUP]]) -> Option<()> {
    macro_rules! routine {
        ($($bits:literal)*) => {
            match bits {
                $($bits => {
                    for (index, group) in groups.iter_mut().enumerate() {
                        let packed = bytes.get(index * $bits..)?.first_chunk::<{ $bits + PADDING_BYTES }>()?;
                        group_of::<$bits, { $bits + PADDING_BYTES }>(packed, group);
                    }
                    Some(())
                })*
                _ => None,
            }
        };
    }
    routine!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32)
}

#[inline]
fn group_of<const BITS: usize, const BYTES: usize>(packed: &[u8; BYTES], group: &mut [u32; GROUP]) {
    for (index, slot) in group.iter_mut().enumerate() {
        let at = index * BITS;
        let word = packed.get(at / 8..).and_then(<[u8]>::first_chunk::<8>);
        let word = word.map_or(0, |word| u64::from_le_bytes(*word));
        #[expect(clippy::cast_possible_truncation, reason = "at most 32 bits wide")]
        let value = (word >> (at % 8) & (u64::MAX >> (64 - BITS))) as u32;
        *slot = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn packed_numbers_come_back(values in prop::collection::vec(any::<u32>(), 0..130), shift in 0_u32..32) {
            let values: Vec<u32> = values.iter().map(|value| value >> shift).collect();
            let bits = width(values.iter().copied().max().unwrap_or(0));
            let mut bytes = Vec::new();
            pack(values.iter().copied(), bits, &mut bytes);
            prop_assert_eq!(bytes.len(), packed_bytes(values.len(), bits));
            let mut read = vec![0; values.len()];
            if bits > 0 {
                prop_assert_eq!(unpack(&bytes, bits, &mut read).is_none(), true);
            }
            bytes.extend([0xff; PADDING_BYTES]);
            prop_assert!(unpack(&bytes, bits, &mut read).is_some());
            prop_assert_eq!(read, values);
        }
    }
}
