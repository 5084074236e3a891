//! Sixteen bytes at a time, in safe code.
//!
//! Three back-ends with the same answers: WASM's vector instructions, SSE2, and plain arrays for everything else.
//!
//! Why not plain arrays alone and the auto-vectorizer: it was tried, and turned [`Lanes::within`] into a mixture of
//! scalar and vector code four times as slow.

#[cfg(not(any(
    target_arch = "x86_64",
    all(target_arch = "wasm32", target_feature = "simd128")
)))]
pub(crate) use plain::Lanes;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(crate) use simd128::Lanes;
#[cfg(target_arch = "x86_64")]
pub(crate) use sse2::Lanes;

/// How many bytes one step looks at.
pub(crate) const WIDTH: usize = 16;

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128 {
    use std::arch::wasm32::{
        i8x16_splat, i8x16_sub, i64x2, u8x16_bitmask, u8x16_eq, u8x16_le, v128, v128_and, v128_or,
    };

    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Lanes(v128);

    impl Lanes {
        #[inline(always)]
        pub(crate) fn load(bytes: &[u8; super::WIDTH]) -> Self {
            let both = i128::from_le_bytes(*bytes);
            Self(i64x2(both as i64, (both >> 64) as i64))
        }

        #[inline(always)]
        pub(crate) fn splat(byte: u8) -> Self {
            Self(i8x16_splat(byte as i8))
        }

        /// Lanes at `low` or up to `width` above it.
        #[inline(always)]
        pub(crate) fn within(self, low: Self, width: Self) -> Self {
            Self(u8x16_le(i8x16_sub(self.0, low.0), width.0))
        }

        #[inline(always)]
        pub(crate) fn eq(self, other: Self) -> Self {
            Self(u8x16_eq(self.0, other.0))
        }

        #[inline(always)]
        pub(crate) fn and(self, other: Self) -> Self {
            Self(v128_and(self.0, other.0))
        }

        #[inline(always)]
        pub(crate) fn or(self, other: Self) -> Self {
            Self(v128_or(self.0, other.0))
        }

        /// Bit i says whether lane i held.
        #[inline(always)]
        pub(crate) fn mask(self) -> u32 {
            u32::from(u8x16_bitmask(self.0))
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[expect(
    unsafe_code,
    reason = "the instructions are safe but for needing SSE2, which every x86-64 has"
)]
mod sse2 {
    use std::arch::x86_64::{
        __m128i, _mm_and_si128, _mm_cmpeq_epi8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128,
        _mm_set_epi64x, _mm_set1_epi8, _mm_sub_epi8,
    };

    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Lanes(__m128i);

    // SAFETY, of every block below: SSE2 is part of the x86-64 baseline, and these instructions touch no memory.
    impl Lanes {
        #[inline(always)]
        pub(crate) fn load(bytes: &[u8; super::WIDTH]) -> Self {
            let both = i128::from_le_bytes(*bytes);
            Self(unsafe { _mm_set_epi64x((both >> 64) as i64, both as i64) })
        }

        #[inline(always)]
        pub(crate) fn splat(byte: u8) -> Self {
            Self(unsafe { _mm_set1_epi8(byte as i8) })
        }

        /// Lanes at `low` or up to `width` above it.
        #[inline(always)]
        pub(crate) fn within(self, low: Self, width: Self) -> Self {
            Self(unsafe {
                let above = _mm_sub_epi8(self.0, low.0);
                _mm_cmpeq_epi8(_mm_min_epu8(above, width.0), above)
            })
        }

        #[inline(always)]
        pub(crate) fn eq(self, other: Self) -> Self {
            Self(unsafe { _mm_cmpeq_epi8(self.0, other.0) })
        }

        #[inline(always)]
        pub(crate) fn and(self, other: Self) -> Self {
            Self(unsafe { _mm_and_si128(self.0, other.0) })
        }

        #[inline(always)]
        pub(crate) fn or(self, other: Self) -> Self {
            Self(unsafe { _mm_or_si128(self.0, other.0) })
        }

        /// Bit i says whether lane i held.
        #[inline(always)]
        pub(crate) fn mask(self) -> u32 {
            (unsafe { _mm_movemask_epi8(self.0) }) as u32
        }
    }
}

#[cfg(any(
    test,
    not(any(
        target_arch = "x86_64",
        all(target_arch = "wasm32", target_feature = "simd128")
    ))
))]
mod plain {
    use super::WIDTH;

    /// The highest bit of each of eight bytes, and the factor that gathers them in the top byte.
    const SIGNS: u64 = 0x8080_8080_8080_8080;
    const GATHER: u64 = 0x0002_0408_1020_4081;

    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Lanes([u8; WIDTH]);

    impl Lanes {
        #[inline(always)]
        pub(crate) fn load(bytes: &[u8; WIDTH]) -> Self {
            Self(*bytes)
        }

        #[inline(always)]
        pub(crate) fn splat(byte: u8) -> Self {
            Self([byte; WIDTH])
        }

        /// Lanes at `low` or up to `width` above it.
        #[inline(always)]
        pub(crate) fn within(self, low: Self, width: Self) -> Self {
            Self(std::array::from_fn(|i| {
                held(self.0[i].wrapping_sub(low.0[i]) <= width.0[i])
            }))
        }

        #[inline(always)]
        pub(crate) fn eq(self, other: Self) -> Self {
            Self(std::array::from_fn(|i| held(self.0[i] == other.0[i])))
        }

        #[inline(always)]
        pub(crate) fn and(self, other: Self) -> Self {
            Self(std::array::from_fn(|i| self.0[i] & other.0[i]))
        }

        #[inline(always)]
        pub(crate) fn or(self, other: Self) -> Self {
            Self(std::array::from_fn(|i| self.0[i] | other.0[i]))
        }

        /// Bit i says whether lane i held.
        #[inline(always)]
        pub(crate) fn mask(self) -> u32 {
            let both = u128::from_le_bytes(self.0);
            let gathered = |half: u64| ((half & SIGNS).wrapping_mul(GATHER) >> 56) as u32;
            gathered(both as u64) | gathered((both >> 64) as u64) << 8
        }
    }

    #[inline(always)]
    fn held(yes: bool) -> u8 {
        if yes { 0xFF } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::WIDTH;
    use proptest::prelude::*;

    macro_rules! answers {
        ($lanes:ty, $text:expr, $low:expr, $width:expr, $other:expr) => {{
            let lanes = <$lanes>::load(&$text);
            let near = lanes.within(<$lanes>::splat($low), <$lanes>::splat($width));
            let same = lanes.eq(<$lanes>::splat($other));
            [
                near.mask(),
                same.mask(),
                near.or(same).mask(),
                near.and(same).mask(),
            ]
        }};
    }

    fn mask(text: [u8; WIDTH], holds: impl Fn(u8) -> bool) -> u32 {
        text.iter()
            .rev()
            .fold(0, |mask, byte| mask << 1 | u32::from(holds(*byte)))
    }

    proptest! {
        #[test]
        fn lanes_answer_as_bytes_do(text: [u8; WIDTH], low: u8, width: u8, other: u8) {
            let near = |byte: u8| byte.wrapping_sub(low) <= width;
            let same = |byte: u8| byte == other;
            let expected = [
                mask(text, near),
                mask(text, same),
                mask(text, |byte| near(byte) || same(byte)),
                mask(text, |byte| near(byte) && same(byte)),
            ];
            prop_assert_eq!(answers!(super::Lanes, text, low, width, other), expected);
            prop_assert_eq!(answers!(super::plain::Lanes, text, low, width, other), expected);
        }
    }
}
