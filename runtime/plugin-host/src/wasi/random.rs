//! Randomness: the system's, or the same for everybody.

use wasmtime::Result;

use super::Wasi;
use super::bindings::wasi::random::{insecure, insecure_seed, random};

/// The most bytes given at once. Runtimes ask for 8 to 64.
const MOST: u64 = 64 << 10;

/// SplitMix64 from a fixed seed: for hash tables, of which no attacker learns anything in a sandbox without a network.
#[derive(Default)]
pub(super) struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl Wasi {
    fn fill(&mut self, length: u64) -> Result<Vec<u8>> {
        if length > MOST {
            wasmtime::bail!("it asks for {length} random bytes where at most {MOST} are given at once");
        }
        let mut bytes = vec![0; usize::try_from(length)?];
        if self.granted.random {
            getrandom::getrandom(&mut bytes)
                .map_err(|error| wasmtime::format_err!("the system gives no randomness: {error}"))?;
        } else {
            for chunk in bytes.chunks_mut(8) {
                chunk.copy_from_slice(&self.random.next().to_le_bytes()[..chunk.len()]);
            }
        }
        Ok(bytes)
    }

    fn number(&mut self) -> Result<u64> {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.fill(8)?);
        Ok(u64::from_le_bytes(bytes))
    }
}

impl random::Host for Wasi {
    fn get_random_bytes(&mut self, length: u64) -> Result<Vec<u8>> {
        self.fill(length)
    }

    fn get_random_u64(&mut self) -> Result<u64> {
        self.number()
    }
}

impl insecure::Host for Wasi {
    fn get_insecure_random_bytes(&mut self, length: u64) -> Result<Vec<u8>> {
        self.fill(length)
    }

    fn get_insecure_random_u64(&mut self) -> Result<u64> {
        self.number()
    }
}

impl insecure_seed::Host for Wasi {
    fn insecure_seed(&mut self) -> Result<(u64, u64)> {
        Ok((self.number()?, self.number()?))
    }
}
