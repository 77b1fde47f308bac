//! Error texts for unknown names, with the known name that was probably meant.

/// An error text for a name that is none of `known`: it names the most similar known name, or all of them if no
/// name is similar.
pub(crate) fn unknown(name: &str, what: &str, known: &[&str]) -> String {
    match nearest(name.rsplit('.').next().unwrap_or(name), known) {
        Some(meant) => format!("{name} is not {what}; did you mean {meant}?"),
        None => format!("{name} is not {what}: {}", known.join(", ")),
    }
}

/// The known name with the fewest different letters, if a third of the letters or less is different.
pub(crate) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let most = (name.chars().count() / 3).max(1);
    let near =
        known.iter().map(|other| (distance(name, other), *other)).filter(|(distance, _)| *distance <= most);
    near.min_by_key(|(distance, _)| *distance).map(|(_, meant)| meant)
}

/// The number of letters to insert, delete, replace or swap with their neighbour. Case does not count.
fn distance(from: &str, to: &str) -> usize {
    let letters = |text: &str| text.to_lowercase().chars().collect::<Vec<_>>();
    let (from, to) = (letters(from), letters(to));
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, letter) in from.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, other) in to.iter().enumerate() {
            let cell = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX - 1);
            let mut best = cell(&row, j) + usize::from(letter != other);
            best = best.min(cell(&row, j + 1) + 1).min(cell(&next, j) + 1);
            let swapped = j > 0 && i > 0 && from.get(i - 1) == Some(other) && to.get(j - 1) == Some(letter);
            if swapped {
                best = best.min(cell(&before, j - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_gets_the_similar_one_or_all() {
        let known = ["id", "name", "owner", "creditsDelaySecs"];
        for (name, expected) in [
            ("nmae", "nmae is not a member; did you mean name?"),
            ("plans[0].onwer", "plans[0].onwer is not a member; did you mean owner?"),
            ("creditsdelaysec", "creditsdelaysec is not a member; did you mean creditsDelaySecs?"),
            ("ID", "ID is not a member; did you mean id?"),
            ("price", "price is not a member: id, name, owner, creditsDelaySecs"),
            ("", " is not a member: id, name, owner, creditsDelaySecs"),
        ] {
            assert_eq!(unknown(name, "a member", &known), expected, "{name}");
        }
        for (from, to, expected) in
            [("kitten", "sitting", 3), ("ab", "ba", 1), ("", "abc", 3), ("abc", "", 3), ("same", "SAME", 0)]
        {
            assert_eq!(distance(from, to), expected, "{from} {to}");
        }
    }
}
