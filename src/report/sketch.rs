//! How many different people there are, without knowing who: HyperLogLog with 4,096 registers.
//!
//! No crate is used. Those there are hash what they are given once more, with a seed of their own, and promise no form of their
//! bytes; a mark is a keyed hash already, what is kept here is read for years, and one code here belongs to several sketches at
//! once ([`Kept`](super::closed::Kept)). What is left is a maximum, and the estimator of Otmar Ertl.
//!
//! Source: Flajolet et al., HyperLogLog (2007); Ertl, New cardinality estimation algorithms for HyperLogLog sketches
//! (arXiv 1702.01284), algorithm 6, which needs no correction for small or large numbers.

use super::figures::Distinct;

/// Bits of a hash that choose a register.
const PRECISION: u32 = 12;
/// How many registers there are.
const REGISTERS: usize = 1 << PRECISION;
/// Bits of a hash that are left for the rank.
const REST: u32 = 64 - PRECISION;

/// What of a hash goes into a sketch: a register, and the place of the first one-bit in the rest. Many people share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u32);

impl Code {
    /// Of 64 bits that are uniformly distributed.
    #[must_use]
    pub fn of(hash: u64) -> Self {
        let register = hash >> REST;
        // The bit below the rest ends the zeros, so a rank is 53 at most.
        let rank = ((hash << PRECISION) | (1 << (PRECISION - 1))).leading_zeros() + 1;
        Self(u32::try_from(register << 6).unwrap_or_default() | rank)
    }

    /// As a number of 18 bits: the register in the upper 12, the rank in the lower 6.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// Reads what [`Self::number`] gives.
    #[must_use]
    pub const fn of_number(number: u32) -> Option<Self> {
        let rank = number & 63;
        if number >> (PRECISION + 6) == 0 && rank >= 1 && rank <= REST + 1 { Some(Self(number)) } else { None }
    }

    const fn register(self) -> usize {
        (self.0 >> 6) as usize
    }

    const fn rank(self) -> u8 {
        (self.0 & 63) as u8
    }
}

/// The highest rank of each register. Two sketches of the same registers are one of all their people.
#[derive(Clone, PartialEq, Eq)]
pub struct Registers(Box<[u8; REGISTERS]>);

impl Default for Registers {
    fn default() -> Self {
        Self(Box::new([0; REGISTERS]))
    }
}

impl Registers {
    /// The standard error, as a share of what is estimated: 1.04 over the root of the number of registers.
    pub const ERROR: f64 = 1.04 / 64.0;

    /// Counts a person in; again makes no difference.
    pub fn insert(&mut self, code: Code) {
        if let Some(kept) = self.0.get_mut(code.register()) {
            *kept = code.rank().max(*kept);
        }
    }

    /// How many people were counted in.
    #[must_use]
    pub fn estimate(&self) -> Distinct {
        if self.0.iter().all(|rank| *rank == 0) {
            return Distinct { count: 0, exact: false, error: 0.0 };
        }
        let count = self.cardinality().round();
        let count = count as u64;
        Distinct { count, exact: false, error: if count == 0 { 0.0 } else { Self::ERROR } }
    }

    fn cardinality(&self) -> f64 {
        // Most are 0 in most sketches.
        let mut ranks = [0_u16; 64];
        for rank in self.0.iter().filter(|rank| **rank > 0) {
            if let Some(count) = ranks.get_mut(usize::from(*rank & 63)) {
                *count += 1;
            }
        }
        if let Some(none) = ranks.first_mut() {
            *none = u16::try_from(self.0.iter().filter(|rank| **rank == 0).count()).unwrap_or(u16::MAX);
        }
        let ranks: [f64; REST as usize + 2] =
            std::array::from_fn(|rank| ranks.get(rank).map_or(0.0, |count| (*count).into()));
        let [none, ranks @ .., last] = ranks;
        let all = f64::from(1_u32 << PRECISION);
        let above = ranks.iter().rev().fold(all * tau(1.0 - last / all), |above, count| f64::midpoint(above, *count));
        all * all / (2.0 * std::f64::consts::LN_2 * (above + all * sigma(none / all)))
    }
}

impl std::fmt::Debug for Registers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Registers(about {})", self.cardinality().round())
    }
}

/// x + the sum of x^(2^k) 2^(k-1) for k from 1.
fn sigma(mut x: f64) -> f64 {
    if x >= 1.0 {
        return f64::INFINITY;
    }
    let (mut power, mut sum) = (1.0, x);
    loop {
        x *= x;
        let before = sum;
        sum += x * power;
        power += power;
        if sum <= before {
            return sum;
        }
    }
}

/// A third of 1 - x - the sum of (1 - x^(2^-k))^2 2^-k for k from 1.
fn tau(mut x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return 0.0;
    }
    let (mut power, mut rest) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = rest;
        power *= 0.5;
        rest -= (1.0 - x) * (1.0 - x) * power;
        if rest >= before {
            return rest / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Hashes as marks have them.
    fn hash(number: u64) -> u64 {
        let digest = crate::secret::sha256(&number.to_be_bytes());
        u64::from_be_bytes(*digest.first_chunk().unwrap())
    }

    fn sketch(numbers: impl Iterator<Item = u64>) -> Registers {
        let mut registers = Registers::default();
        numbers.for_each(|number| registers.insert(Code::of(hash(number))));
        registers
    }

    #[test]
    fn nobody_is_nobody() {
        assert_eq!(Registers::default().estimate(), Distinct { count: 0, exact: false, error: 0.0 });
    }

    /// Of many sketches of one size the root of the mean squared error is about what is stated, and none is off by five of it.
    #[test]
    fn the_stated_error_holds_for_small_and_large_numbers() {
        for (size, trials) in [(1, 50), (10, 50), (100, 50), (1_000, 50), (5_000, 40), (20_000, 30), (100_000, 12)] {
            let errors: Vec<f64> = (0..trials)
                .map(|trial| {
                    let first = trial * 1_000_000_000 + size;
                    sketch(first..first + size).estimate().count as f64 / size as f64 - 1.0
                })
                .collect();
            let mean_square = errors.iter().map(|error| error * error).sum::<f64>() / trials as f64;
            assert!(mean_square.sqrt() <= 1.45 * Registers::ERROR, "{size}: {}", mean_square.sqrt());
            // Of ten people two may share a register and a rank.
            let most = (5.0 * Registers::ERROR).max(1.5 / size as f64);
            assert!(errors.iter().all(|error| error.abs() <= most), "{size}: {errors:?}");
        }
    }

    /// A sketch of a part that is kept in codes is the same as one made at once.
    #[test]
    fn ranks_end_where_the_hash_does() {
        assert_eq!(Code::of(0), Code(53));
        assert_eq!(Code::of(u64::MAX), Code((4_095 << 6) | 1));
        assert_eq!(Code::of(1 << 51), Code(1));
        assert_eq!(Code::of(1), Code(52));
    }

    proptest! {
        #[test]
        fn a_code_is_read_back(hash: u64, number: u32) {
            let code = Code::of(hash);
            prop_assert_eq!(Code::of_number(code.number()), Some(code));
            prop_assert!(Code::of_number(number).is_none_or(|code| code.number() == number));
        }

        #[test]
        fn order_and_repetition_make_no_difference(numbers in prop::collection::vec(0_u64..500, 0..300)) {
            let mut sorted = numbers.clone();
            sorted.sort_unstable();
            sorted.dedup();
            prop_assert_eq!(sketch(numbers.into_iter().rev()), sketch(sorted.into_iter()));
        }
    }
}
