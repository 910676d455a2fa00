//! Which partition a key goes to: Java's default partitioner, which every producer here uses. Pure.

/// The partition of `key` among so many.
#[must_use]
pub fn partition_of(key: &[u8], partitions: i32) -> i32 {
    let positive = i64::from(murmur2(key) & 0x7fff_ffff);
    i32::try_from(positive % i64::from(partitions.max(1))).unwrap_or(0)
}

/// MurmurHash2 as Kafka seeds it.
fn murmur2(key: &[u8]) -> u32 {
    const MIX: u32 = 0x5bd1_e995;
    let length = u32::try_from(key.len()).unwrap_or(u32::MAX);
    let (words, rest) = key.as_chunks::<4>();
    let mut hash = words.iter().fold(0x9747_b28c ^ length, |hash, word| {
        let mixed = u32::from_le_bytes(*word).wrapping_mul(MIX);
        hash.wrapping_mul(MIX) ^ (mixed ^ (mixed >> 24)).wrapping_mul(MIX)
    });
    if !rest.is_empty() {
        let tail = rest.iter().rev().fold(0, |tail, byte| tail << 8 | u32::from(*byte));
        hash = (hash ^ tail).wrapping_mul(MIX);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(MIX);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// The vectors of Kafka's own test of its `Utils.murmur2`.
    #[rstest]
    #[case("21", -973_932_308)]
    #[case("foobar", -790_332_482)]
    #[case("a-little-bit-long-string", -985_981_536)]
    #[case("a-little-bit-longer-string", -1_486_304_829)]
    #[case("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971)]
    #[case("abc", 479_470_107)]
    fn a_key_is_hashed_as_kafka_does(#[case] key: &str, #[case] hash: i32) {
        assert_eq!(murmur2(key.as_bytes()).cast_signed(), hash);
    }

    #[test]
    fn a_partition_is_one_of_those_there_are() {
        for key in ["", "21", "foobar", "x"] {
            assert!((0..3).contains(&partition_of(key.as_bytes(), 3)), "{key}");
        }
        assert_eq!(partition_of(b"foobar", 0), 0);
    }
}
