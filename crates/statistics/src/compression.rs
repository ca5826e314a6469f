//! Compression ratio of texts, a measure of all repetition at once (Shaib et al. 2024, arXiv 2403.00553).

use miniz_oxide::deflate::compress_to_vec;

/// Deflate's effort, its highest: as gzip's level 9.
const LEVEL: u8 = 9;

/// Bytes of the texts, one after the other with a line end between, over the bytes of their deflate stream (RFC 1951): near 1 where
/// nothing repeats, higher the more does, within a text or between texts. Deflate looks back 32 kB, so repetition at a greater distance
/// is not seen. `None` without any bytes.
///
/// It rises with the amount of text, as the stream's fixed costs count for less and more can repeat: compare sets of about equal
/// bytes (the paper truncates to the shortest).
pub fn compression_ratio<S: AsRef<str>>(texts: &[S]) -> Option<f64> {
    let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    let all = texts.join("\n");
    let packed = compress_to_vec(all.as_bytes(), LEVEL);
    (!all.is_empty()).then(|| all.len() as f64 / packed.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use decoding::coin;

    /// Letters of four kinds by chance: 2 bits each and no repetition beyond chance.
    fn noise(seed: u64, length: u32) -> String {
        let letter = |at| char::from(b"acgt"[(coin(seed, 0, at).value() * 4.0) as usize]);
        (0..length).map(letter).collect()
    }

    #[test]
    fn random_letters_pack_to_their_entropy() {
        // Two of eight bits: a ratio of 4, less what the stream itself costs.
        let found = compression_ratio(&[noise(1, 20_000)]).unwrap();
        assert!((3.0..=4.0).contains(&found), "{found}");
    }

    #[test]
    fn copies_cost_next_to_nothing() {
        let text = noise(2, 2000);
        let one = compression_ratio(&[&text]).unwrap();
        let eight = compression_ratio(&[text.as_str(); 8]).unwrap();
        assert!(eight > 6.0 * one && eight <= 8.5 * one, "{one} {eight}");
        let others: Vec<String> = (0..8).map(|seed| noise(10 + seed, 2000)).collect();
        assert!(compression_ratio(&others).unwrap() < 1.2 * one);
        assert_eq!(compression_ratio(&[""]), None);
    }
}
