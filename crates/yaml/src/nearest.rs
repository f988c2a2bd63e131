//! "Did you mean": the known word that is nearest to one that is not known.

/// Words longer than this are nobody's slip of the pen, and comparing them would cost time.
const MAX_COMPARED: usize = 64;

/// The one of `known` that `word` was probably meant to be.
#[must_use]
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = fold(word)?;
    // A third of the letters may be wrong, but not all of a short word.
    let limit = (word.len() / 3).clamp(1, 4).min(word.len().saturating_sub(1));
    known
        .into_iter()
        .filter_map(|candidate| {
            let distance = distance(&word, &fold(candidate)?);
            (distance <= limit).then_some((distance, candidate))
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// Case, and the choice between space, `-` and `_`, count for nothing.
fn fold(word: &str) -> Option<Vec<char>> {
    let plain = |c: char| if matches!(c, ' ' | '_') { '-' } else { c.to_ascii_lowercase() };
    (word.len() <= MAX_COMPARED).then(|| word.chars().map(plain).collect())
}

/// Damerau's distance (optimal string alignment): letters put in, left out, replaced, or swapped with their neighbour.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut previous_a = None;
    for (i, ca) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        let mut previous_b = None;
        for (j, cb) in b.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX - 1);
            let replaced = at(&last, j) + usize::from(ca != cb);
            let mut best = replaced.min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            if j > 0 && previous_a == Some(cb) && previous_b == Some(ca) {
                best = best.min(at(&before, j - 1) + 1);
            }
            row.push(best);
            previous_b = Some(cb);
        }
        before = std::mem::replace(&mut last, row);
        previous_a = Some(ca);
    }
    last.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_finds_its_word() {
        let known = ["prompt", "keys", "timeout", "no_input", "wrong_input"];
        let cases = [
            ("promt", Some("prompt")),
            ("propmt", Some("prompt")),
            ("Keys", Some("keys")),
            ("key", Some("keys")),
            ("time-out", Some("timeout")),
            ("no-input", Some("no_input")),
            ("wrongInput", Some("wrong_input")),
            ("zebra", None),
            ("x", None),
            ("K", None),
            ("", None),
        ];
        for (word, expected) in cases {
            assert_eq!(did_you_mean(word, known), expected, "{word}");
        }
    }

    #[test]
    fn a_huge_word_is_compared_with_nothing() {
        assert_eq!(did_you_mean(&"p".repeat(1_000_000), ["prompt"]), None);
    }
}
