//! Chance that falls the same way for the same seed: SplitMix64 (Steele, Lea and Flood 2014). Whole numbers only, so that every
//! machine draws the same. For simulations; nothing secret comes of it.

use crate::secret::sha256;

/// Draws.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

/// Parts of a million.
pub(super) const MILLION: u64 = 1_000_000;

impl Dice {
    /// For one purpose: what is drawn for another changes nothing here.
    pub(super) fn of(seed: u64, purpose: &str) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = sha256(format!("inzage programme {seed} {purpose}").as_bytes());
        Self(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
    }

    /// 64 bits.
    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `bound`; 0 when that is 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.next()).wrapping_mul(u128::from(bound));
        u64::try_from(product >> 64).unwrap_or_default()
    }

    /// A number from `least` up to and including `most`.
    pub(super) fn within(&mut self, least: u64, most: u64) -> u64 {
        let span = most.saturating_sub(least).saturating_add(1);
        least.saturating_add(self.below(span))
    }

    /// Whether something happens that happens so many times in a million.
    pub(super) fn happens(&mut self, in_a_million: u64) -> bool {
        self.below(MILLION) < in_a_million
    }

    /// One of these.
    ///
    /// # Panics
    /// When there are none.
    pub(super) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let at = self.below(of.len() as u64);
        of.get(place(at)).expect("there is something to pick from")
    }

    /// The place of one of these weights, as often as it weighs; 0 when none weighs anything.
    pub(super) fn weighted(&mut self, weights: &[u32]) -> usize {
        let mut left = self.below(weights.iter().map(|weight| u64::from(*weight)).sum());
        for (at, weight) in weights.iter().enumerate() {
            match left.checked_sub(u64::from(*weight)) {
                Some(rest) => left = rest,
                None => return at,
            }
        }
        0
    }

    /// How many times in a row something happens that happens so many times in a million, `most` at most.
    pub(super) fn runs(&mut self, in_a_million: u64, most: u32) -> u32 {
        let mut count = 0;
        while count < most && self.happens(in_a_million) {
            count = count.saturating_add(1);
        }
        count
    }

    /// A time around `middle`, of which most are near and few are long: a log-normal one with sigma 0.8, by its quantiles.
    pub(super) fn around(&mut self, middle: u64) -> u64 {
        let (last, place_in) = (QUANTILES.len().saturating_sub(2) as u64, self.below(MILLION));
        let step = MILLION.div_euclid(last.saturating_add(1));
        let at = place_in.div_euclid(step).min(last);
        let of = |at: u64| QUANTILES.get(place(at)).copied().unwrap_or(100);
        let (low, high) = (of(at), of(at.saturating_add(1)));
        let part = place_in.saturating_sub(at.saturating_mul(step)).min(step);
        let scale = low.saturating_mul(step).saturating_add(high.saturating_sub(low).saturating_mul(part));
        middle.saturating_mul(scale).div_euclid(step.saturating_mul(100))
    }
}

/// In hundredths of the median, at 0, 1/20, 2/20, … of all; the ends are those of 1/400 from them.
const QUANTILES: [u64; 21] =
    [11, 27, 36, 44, 51, 58, 66, 73, 82, 90, 100, 111, 122, 136, 152, 172, 196, 229, 279, 373, 945];

/// A number that is a place in something in memory.
pub(super) fn place(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The first numbers of SplitMix64 from 1234567, as its authors' implementation in C gives them.
    #[test]
    fn it_is_splitmix64() {
        let mut dice = Dice(1_234_567);
        let drawn = [dice.next(), dice.next(), dice.next()];
        assert_eq!(drawn, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn purposes_do_not_share_their_luck() {
        let first = |seed, purpose: &str| Dice::of(seed, purpose).next();
        assert_eq!(first(1, "people"), first(1, "people"));
        assert!(first(1, "people") != first(2, "people") && first(1, "people") != first(1, "visits"));
    }

    #[test]
    fn things_happen_as_often_as_they_should() {
        let mut dice = Dice::of(1, "test");
        let rolls = 200_000;
        let happened = (0..rolls).filter(|_| dice.happens(30_000)).count();
        assert!((5_700..6_300).contains(&happened), "{happened} of 6,000");
        let mut counts = [0; 3];
        (0..rolls).for_each(|_| counts[dice.weighted(&[1, 0, 3])] += 1);
        assert!(counts[1] == 0 && (148_500..151_500).contains(&counts[2]), "{counts:?}");
        let mut times: Vec<_> = (0..rolls).map(|_| dice.around(1_000)).collect();
        times.sort_unstable();
        assert!((970..1_030).contains(&times[100_000]), "{}", times[100_000]);
        assert!(times[0] >= 110 && *times.last().unwrap() <= 9_450);
    }

    proptest! {
        #[test]
        fn what_is_drawn_lies_within(seed: u64, least in 0_u64..1_000, span in 0_u64..1_000) {
            let drawn = Dice(seed).within(least, least + span);
            prop_assert!((least..=least + span).contains(&drawn));
            prop_assert_eq!(Dice(seed).below(0), 0);
        }
    }
}
