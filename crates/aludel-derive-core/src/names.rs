//! Names: their spellings, and the one that was probably meant.

/// Of `known`, the name that `given` was probably meant to be.
pub(crate) fn nearest<'a>(
    given: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let limit = 1 + given.len() / 4;
    known
        .into_iter()
        .map(|name| (distance(&given.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// `; did you mean …?` where a known name is near, else the list of all of them.
pub(crate) fn suggestion(given: &str, known: &[&str]) -> String {
    match nearest(given, known.iter().copied()) {
        Some(name) => format!("; did you mean `{name}`?"),
        None => format!("; known are {}", list(known)),
    }
}

/// The names in backquotes, the last after an "and".
pub(crate) fn list(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => "none".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// How many letters have to be added, removed, replaced or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}

/// The words of a name in CamelCase or snake_case, in lower case.
pub(crate) fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (i, &letter) in letters.iter().enumerate() {
        if letter == '_' {
            words.push(String::new());
            continue;
        }
        let after_small = i > 0 && !letters[i - 1].is_uppercase();
        let before_small = letters.get(i + 1).is_some_and(|next| next.is_lowercase());
        if letter.is_uppercase() && (after_small || before_small) {
            words.push(String::new());
        }
        words.last_mut().expect("there is always a word").extend(letter.to_lowercase());
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The spellings that `rename_all` knows.
pub(crate) const CASES: &[&str] = &[
    "snake_case",
    "SCREAMING_SNAKE_CASE",
    "kebab-case",
    "camelCase",
    "PascalCase",
    "lowercase",
    "UPPERCASE",
];

/// A name in one of the [`CASES`].
pub(crate) fn spell(name: &str, case: &str) -> String {
    let words = words(name);
    let capital = |word: &String| {
        let mut letters = word.chars();
        letters
            .next()
            .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    };
    match case {
        "SCREAMING_SNAKE_CASE" => words.join("_").to_uppercase(),
        "kebab-case" => words.join("-"),
        "PascalCase" => words.iter().map(capital).collect(),
        "camelCase" => {
            let mut spelled = words.first().cloned().unwrap_or_default();
            spelled.extend(words.iter().skip(1).map(capital));
            spelled
        }
        "lowercase" => words.concat(),
        "UPPERCASE" => words.concat().to_uppercase(),
        _ => words.join("_"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        let known = ["primary_key", "foreign_key", "unique", "index"];
        assert_eq!(nearest("primry_key", known), Some("primary_key"));
        assert_eq!(nearest("uniqeu", known), Some("unique"));
        assert_eq!(nearest("Index", known), Some("index"));
        assert_eq!(nearest("autoincrement", known), None);
    }

    #[test]
    fn names_are_split_and_spelled() {
        assert_eq!(words("InProgress"), ["in", "progress"]);
        assert_eq!(words("HTTPError"), ["http", "error"]);
        assert_eq!(words("Level2High"), ["level2", "high"]);
        for (case, spelled) in CASES.iter().zip([
            "in_progress",
            "IN_PROGRESS",
            "in-progress",
            "inProgress",
            "InProgress",
            "inprogress",
            "INPROGRESS",
        ]) {
            assert_eq!(spell("InProgress", case), spelled);
        }
    }
}
