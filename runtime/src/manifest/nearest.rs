//! The name somebody probably meant.

/// The candidate closest to `wanted`, if one is close enough to be a slip of the hand.
pub fn nearest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (wanted.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(&plain(wanted), &plain(candidate)), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A fix: the nearest name, if any, then all of them. `what` says what they are ("keys here").
pub fn suggest(wanted: &str, what: &str, candidates: &[&str]) -> String {
    let list = if candidates.is_empty() {
        "none".to_owned()
    } else {
        candidates.join(", ")
    };
    match nearest(wanted, candidates.iter().copied()) {
        Some(name) => format!("did you mean `{name}`? {what}: {list}"),
        None => format!("{what}: {list}"),
    }
}

/// Case and the kind of dash are not what makes names differ.
fn plain(name: &str) -> Vec<char> {
    name.chars()
        .map(|c| if c == '-' { '_' } else { c.to_ascii_lowercase() })
        .collect()
}

/// How many insertions, deletions, replacements and swaps of neighbours make one of the other.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut older: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (row, l) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, r) in right.iter().enumerate() {
            let replaced = above[column] + usize::from(l != r);
            let mut best = replaced.min(above[column + 1] + 1).min(current[column] + 1);
            let swapped = row > 0 && column > 0 && *l == right[column - 1] && left[row - 1] == *r;
            if swapped {
                best = best.min(older[column - 1] + 1);
            }
            current.push(best);
        }
        older = std::mem::replace(&mut above, current);
    }
    above[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_hand_are_recognised() {
        let keys = ["from", "stages", "to"];
        assert_eq!(nearest("stagess", keys), Some("stages"));
        assert_eq!(nearest("form", keys), Some("from"), "neighbours swapped");
        assert_eq!(nearest("Stages", keys), Some("stages"));
        assert_eq!(nearest("batch-wait", ["batch_wait"]), Some("batch_wait"));
        assert_eq!(nearest("sinks", keys), None);
        assert_eq!(nearest("", keys), None);
    }

    #[test]
    fn distances() {
        let of = |a: &str, b: &str| distance(&plain(a), &plain(b));
        assert_eq!(of("", ""), 0);
        assert_eq!(of("", "abc"), 3);
        assert_eq!(of("kitten", "sitting"), 3);
        assert_eq!(of("abcd", "abdc"), 1);
    }
}
