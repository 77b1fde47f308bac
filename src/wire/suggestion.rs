use alloc::vec::Vec;

/// The known name that was probably meant by another: the one with the fewest different letters, if these are two at the most, or a third of
/// the letters. Case does not count.
#[must_use]
pub fn nearest_name<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let near = known
        .iter()
        .map(|other| (distance(name, other), *other))
        .filter(|(distance, _)| *distance <= (name.len() / 3).max(2) && *distance < name.len())
        .min_by_key(|(distance, _)| *distance);
    near.map(|(_, meant)| meant)
}

/// How many letters have to be put in, taken out or exchanged; their case does not count.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, letter) in from.bytes().enumerate() {
        let mut corner = at;
        let mut left = at + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, other) in row.iter_mut().skip(1).zip(to.bytes()) {
            let exchanged = corner + usize::from(!letter.eq_ignore_ascii_case(&other));
            corner = *cell;
            left = exchanged.min(left + 1).min(*cell + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn the_name_that_was_meant_is_found() {
        let vectors: Vec<Value> =
            serde_json::from_str(include_str!("../../tests/vectors/suggestions.json")).unwrap();
        for vector in &vectors {
            let known: Vec<&str> =
                vector["known"].as_array().unwrap().iter().flat_map(Value::as_str).collect();
            for (name, meant) in vector["meant"].as_object().unwrap() {
                assert_eq!(nearest_name(name, &known), meant.as_str(), "{name}");
            }
        }
        assert_eq!(vectors.len(), 4);
        for (from, to, expected) in
            [("kitten", "sitting", 3), ("ab", "ba", 2), ("", "abc", 3), ("abc", "", 3), ("same", "SAME", 0)]
        {
            assert_eq!(distance(from, to), expected, "{from} {to}");
        }
    }
}
