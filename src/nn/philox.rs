//! Random bits as a function of a key and a counter.

/// Philox4x32-10: 128 random bits from a 64-bit key and a 128-bit counter, without a state.
///
/// J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011); it passes the batteries of TestU01.
pub(super) fn philox(key: u64, counter: [u32; 4]) -> [u32; 4] {
    let mut key = [key as u32, (key >> 32) as u32];
    let mut x = counter;
    for _ in 0..10 {
        let (high_0, low_0) = wide_product(0xD251_1F53, x[0]);
        let (high_1, low_1) = wide_product(0xCD9E_8D57, x[2]);
        x = [high_1 ^ x[1] ^ key[0], low_1, high_0 ^ x[3] ^ key[1], low_0];
        key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
    }
    x
}

/// Upper and lower half of a product.
fn wide_product(a: u32, b: u32) -> (u32, u32) {
    let product = u64::from(a) * u64::from(b);
    ((product >> 32) as u32, product as u32)
}

/// A number that has nothing in common with its neighbours': the finalizer of SplitMix64 (G. Steele et al., 2014).
pub(super) fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers that the authors publish with their code.
    #[test]
    fn the_published_vectors_are_met() {
        assert_eq!(philox(0, [0; 4]), [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8]);
        assert_eq!(philox(u64::MAX, [u32::MAX; 4]), [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD]);
        let counter = [0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344];
        let expected = [0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1];
        assert_eq!(philox(0x299F_31D0_A409_3822, counter), expected);
        // First output of SplitMix64 from the state 0.
        assert_eq!(mix(0), 0xE220_A839_7B1D_CDAF);
    }
}
