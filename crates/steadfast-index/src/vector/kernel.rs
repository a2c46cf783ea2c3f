//! Inner products and bounds for many rows at once, compiled per instruction set.
//!
//! One loop is compiled twice: for the target as it is (on aarch64 that
//! includes NEON), and for AVX2, chosen at run time. Integer sums are exact and
//! no fused multiply-add is used, so both give the same bits. AVX-512 was
//! measured and left out: with rows prefetched it gains a seventh while the
//! codes fit into cache, and nothing beyond.

use super::query::{Bounds, Query};
use super::segment::SegmentView;

/// How many rows one call of the kernel takes.
pub(super) const BATCH_ROWS: usize = 512;

/// How far ahead rows are prefetched: hardware does it badly across pages and not at all for scattered rows.
#[cfg(target_arch = "x86_64")]
const AHEAD_BYTES: usize = 4096;

/// Which compilation of the scan loop runs. All of them give the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Kernel {
    /// The best that this machine can run.
    #[default]
    Fastest,
    /// The one that runs everywhere.
    Portable,
}

/// The rows of one call and what is known about them afterwards.
///
/// All columns but the positions have their full length from the start: the
/// loops over them then need no growth checks, and the compiler widens them.
#[derive(Debug)]
pub(super) struct Batch {
    /// Positions in the segment, at most [`BATCH_ROWS`].
    pub(super) positions: Vec<u32>,
    products: Vec<i32>,
    scales: Vec<f32>,
    errors: Vec<f32>,
    uppers: Vec<f32>,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self {
            positions: Vec::with_capacity(BATCH_ROWS),
            products: vec![0; BATCH_ROWS],
            scales: vec![0.0; BATCH_ROWS],
            errors: vec![0.0; BATCH_ROWS],
            uppers: vec![0.0; BATCH_ROWS],
        }
    }

    /// Returns the greatest score that each row can have.
    pub(super) fn uppers(&self) -> &[f32] {
        self.uppers.get(..self.positions.len()).unwrap_or_default()
    }

    /// Returns the position of a row of the batch and the least score that it can have.
    pub(super) fn lower(&self, index: usize, bounds: &Bounds) -> Option<(u32, f32)> {
        let (scale, error) = (*self.scales.get(index)?, *self.errors.get(index)?);
        let (lower, _) = bounds.of(*self.products.get(index)?, scale, error);
        Some((*self.positions.get(index)?, lower))
    }
}

impl Kernel {
    /// Fills in what the bounds of the batch's rows are.
    pub(super) fn run(self, view: &SegmentView<'_>, query: &Query, batch: &mut Batch) {
        #[cfg(target_arch = "x86_64")]
        if self == Self::Fastest && std::arch::is_x86_feature_detected!("avx2") {
            #[expect(
                unsafe_code,
                reason = "how a function for a detected instruction set is called"
            )]
            // SAFETY: this machine has AVX2, as was just detected.
            unsafe {
                run_avx2(view, query, batch);
            }
            return;
        }
        let dimensions = view.space.dimensions;
        for (&position, product) in batch.positions.iter().zip(&mut batch.products) {
            *product = inner_product(codes_at(view.codes, position, dimensions), query.codes());
        }
        fill_uppers(view, query, batch);
    }
}

fn codes_at(codes: &[u8], position: u32, dimensions: usize) -> &[u8] {
    let from = position as usize * dimensions;
    codes.get(from..from + dimensions).unwrap_or_default()
}

/// Returns the exact inner product; the largest query code is chosen so that no sum overflows.
fn inner_product(row: &[u8], query: &[i16]) -> i32 {
    let (row_blocks, row_rest) = row.as_chunks::<32>();
    let (query_blocks, query_rest) = query.as_chunks::<32>();
    let mut total = 0;
    for (row, query) in row_blocks.iter().zip(query_blocks) {
        let mut sum = 0;
        for (&code, &query) in row.iter().zip(query) {
            sum += i32::from(code.cast_signed()) * i32::from(query);
        }
        total += sum;
    }
    for (&code, &query) in row_rest.iter().zip(query_rest) {
        total += i32::from(code.cast_signed()) * i32::from(query);
    }
    total
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for each instruction set")]
fn fill_uppers(view: &SegmentView<'_>, query: &Query, batch: &mut Batch) {
    let bounds = query.bounds();
    let columns = batch.scales.iter_mut().zip(&mut batch.errors);
    for (&position, (scale, error)) in batch.positions.iter().zip(columns) {
        let at = position as usize;
        *scale = f32::from_le_bytes(view.scales.get(at).copied().unwrap_or_default());
        *error = f32::from_le_bytes(view.errors.get(at).copied().unwrap_or_default());
    }
    let columns = batch.scales.iter().zip(&batch.errors).zip(&batch.products);
    let rows = columns.zip(&mut batch.uppers).take(batch.positions.len());
    for (((&scale, &error), &product), upper) in rows {
        *upper = bounds.of(product, scale, error).1;
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn run_avx2(view: &SegmentView<'_>, query: &Query, batch: &mut Batch) {
    // Where the compiler knows the number of dimensions, a scan of 128 takes two thirds of the time.
    match view.space.dimensions {
        64 => products_avx2::<64>(view, query, batch),
        128 => products_avx2::<128>(view, query, batch),
        256 => products_avx2::<256>(view, query, batch),
        384 => products_avx2::<384>(view, query, batch),
        512 => products_avx2::<512>(view, query, batch),
        dimensions => {
            let ahead = batch.positions.get(ahead_rows(dimensions)..);
            let mut ahead = ahead.unwrap_or_default().iter();
            for (&position, product) in batch.positions.iter().zip(&mut batch.products) {
                if let Some(&next) = ahead.next() {
                    prefetch(codes_at(view.codes, next, dimensions));
                }
                let row = codes_at(view.codes, position, dimensions);
                *product = inner_product_avx2(row, query.codes());
            }
        }
    }
    fill_uppers(view, query, batch);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn products_avx2<const D: usize>(view: &SegmentView<'_>, query: &Query, batch: &mut Batch) {
    let rows = view.codes.as_chunks::<D>().0;
    let Some(query) = query.codes().first_chunk::<D>() else {
        return;
    };
    let ahead = batch.positions.get(ahead_rows(D)..);
    let mut ahead = ahead.unwrap_or_default().as_chunks::<4>().0.iter();
    let (fours, rest) = batch.positions.as_chunks::<4>();
    let (four_products, _) = batch.products.as_chunks_mut::<4>();
    for (positions, products) in fours.iter().zip(four_products) {
        for &next in ahead.next().into_iter().flatten() {
            if let Some(row) = rows.get(next as usize) {
                prefetch(row);
            }
        }
        let [a, b, c, d] = *positions;
        if let (Some(a), Some(b), Some(c), Some(d)) = (
            rows.get(a as usize),
            rows.get(b as usize),
            rows.get(c as usize),
            rows.get(d as usize),
        ) {
            *products = four_products_avx2([a, b, c, d], query);
        }
    }
    let rest_products = batch.products.iter_mut().skip(4 * fours.len());
    for (&position, product) in rest.iter().zip(rest_products) {
        if let Some(row) = rows.get(position as usize) {
            *product = inner_product_avx2(row, query);
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn ahead_rows(dimensions: usize) -> usize {
    (AHEAD_BYTES / dimensions).clamp(1, 64)
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn prefetch(codes: &[u8]) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    for line in codes.chunks(64) {
        #[expect(unsafe_code, reason = "the intrinsic takes a raw pointer")]
        // SAFETY: a prefetch has no effect but on caches, and the pointer is that of a live slice.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast());
        }
    }
}

/// Returns 16 products of codes, each two neighbours added.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[inline]
fn sixteen(codes: &[u8; 16], query: &[i16; 16]) -> std::arch::x86_64::__m256i {
    use std::arch::x86_64::{
        _mm_loadu_si128, _mm256_cvtepi8_epi16, _mm256_loadu_si256, _mm256_madd_epi16,
    };
    #[expect(unsafe_code, reason = "the intrinsics take raw pointers")]
    // SAFETY: both loads are unaligned and read exactly the array they are given.
    let (codes, query) = unsafe {
        (
            _mm_loadu_si128(codes.as_ptr().cast()),
            _mm256_loadu_si256(query.as_ptr().cast()),
        )
    };
    _mm256_madd_epi16(_mm256_cvtepi8_epi16(codes), query)
}

/// Does as [`inner_product`] for four rows: the query is loaded and the sums are folded once for all.
///
/// The number of dimensions is a multiple of 16.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
fn four_products_avx2<const D: usize>(rows: [&[u8; D]; 4], query: &[i16; D]) -> [i32; 4] {
    use std::arch::x86_64::{
        _mm_add_epi32, _mm_extract_epi32, _mm256_add_epi32, _mm256_castsi256_si128,
        _mm256_extracti128_si256, _mm256_hadd_epi32, _mm256_setzero_si256,
    };
    const { assert!(D.is_multiple_of(16)) };
    let zero = _mm256_setzero_si256();
    let (mut sum0, mut sum1, mut sum2, mut sum3) = (zero, zero, zero, zero);
    // Not `map`: the function behind it is not compiled for this instruction set.
    let [first, second, third, fourth] = rows;
    let (first, second) = (first.as_chunks::<16>().0, second.as_chunks::<16>().0);
    let (third, fourth) = (third.as_chunks::<16>().0, fourth.as_chunks::<16>().0);
    let pairs = first.iter().zip(second).zip(third.iter().zip(fourth));
    for (((first, second), (third, fourth)), query) in pairs.zip(query.as_chunks::<16>().0) {
        sum0 = _mm256_add_epi32(sum0, sixteen(first, query));
        sum1 = _mm256_add_epi32(sum1, sixteen(second, query));
        sum2 = _mm256_add_epi32(sum2, sixteen(third, query));
        sum3 = _mm256_add_epi32(sum3, sixteen(fourth, query));
    }
    let eight = _mm256_hadd_epi32(_mm256_hadd_epi32(sum0, sum1), _mm256_hadd_epi32(sum2, sum3));
    let four = _mm_add_epi32(
        _mm256_castsi256_si128(eight),
        _mm256_extracti128_si256::<1>(eight),
    );
    [
        _mm_extract_epi32::<0>(four),
        _mm_extract_epi32::<1>(four),
        _mm_extract_epi32::<2>(four),
        _mm_extract_epi32::<3>(four),
    ]
}

/// Does as [`inner_product`], 32 codes at a time.
///
/// Written out because the compiler chose narrow registers for this loop in
/// some surroundings and wide ones in others.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
fn inner_product_avx2(row: &[u8], query: &[i16]) -> i32 {
    use std::arch::x86_64::{
        _mm_add_epi32, _mm_cvtsi128_si32, _mm_shuffle_epi32, _mm256_add_epi32,
        _mm256_castsi256_si128, _mm256_extracti128_si256, _mm256_setzero_si256,
    };
    let (row_blocks, row_rest) = row.as_chunks::<16>();
    let (query_blocks, query_rest) = query.as_chunks::<16>();
    let (row_pairs, row_last) = row_blocks.as_chunks::<2>();
    let (query_pairs, query_last) = query_blocks.as_chunks::<2>();
    let (mut even, mut odd) = (_mm256_setzero_si256(), _mm256_setzero_si256());
    for ([row, next_row], [query, next_query]) in row_pairs.iter().zip(query_pairs) {
        even = _mm256_add_epi32(even, sixteen(row, query));
        odd = _mm256_add_epi32(odd, sixteen(next_row, next_query));
    }
    for (row, query) in row_last.iter().zip(query_last) {
        even = _mm256_add_epi32(even, sixteen(row, query));
    }
    let eight = _mm256_add_epi32(even, odd);
    let four = _mm_add_epi32(
        _mm256_castsi256_si128(eight),
        _mm256_extracti128_si256::<1>(eight),
    );
    let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0b00_00_11_10>(four));
    let one = _mm_add_epi32(two, _mm_shuffle_epi32::<0b00_00_00_01>(two));
    _mm_cvtsi128_si32(one) + inner_product(row_rest, query_rest)
}
