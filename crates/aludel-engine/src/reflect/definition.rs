//! The text of a definition that SQLite keeps, for what its pragmas do not tell.

use aludel_sql::Check;

/// A column or a constraint of a table, as its words, quoted names, texts, and what stands in brackets.
pub(super) type Part<'s> = Vec<&'s str>;

/// The definitions between the brackets of a CREATE TABLE: columns and constraints.
pub(super) fn parts(created: &str) -> Vec<Part<'_>> {
    let body = tokens(created).into_iter().find_map(inside);
    let tokens = body.map(tokens).unwrap_or_default();
    tokens.split(|token| *token == ",").map(<[&str]>::to_vec).collect()
}

/// The name that a definition begins with.
pub(super) fn first_name(part: &[&str]) -> String {
    part.first().map(|token| unquoted(token)).unwrap_or_default()
}

/// What stands in the brackets behind a word.
pub(super) fn bracketed_after<'s>(part: &[&'s str], word: &str) -> Option<&'s str> {
    let found = part.windows(2).find(|two| two[0].eq_ignore_ascii_case(word));
    found.and_then(|two| inside(two[1])).map(str::trim)
}

/// What stands behind a word.
pub(super) fn after<'s>(sql: &'s str, word: &str) -> Option<&'s str> {
    let (at, found) = places(sql).into_iter().find(|(_, token)| is(token, word))?;
    sql.get(at + found.len()..).map(str::trim)
}

/// The name of a constraint of columns.
pub(super) fn name_of(parts: &[Part<'_>], word: &str, columns: &[&str]) -> Option<String> {
    parts.iter().find_map(|part| {
        let [constraint, name, said, ..] = part.as_slice() else { return None };
        let is_it = is(constraint, "CONSTRAINT") && is(said, word) && is_over(part, columns);
        is_it.then(|| unquoted(name))
    })
}

/// Whether a foreign key may be put off, and whether it is from the beginning.
pub(super) fn deferred(parts: &[Part<'_>], columns: &[&str], target: &str) -> Option<bool> {
    parts.iter().find_map(|part| {
        let here = match columns {
            [one] if first_name(part).eq_ignore_ascii_case(one) => true,
            _ => part.iter().any(|word| is(word, "FOREIGN")) && is_over(part, columns),
        };
        let refers = |two: &[&str]| {
            is(two[0], "REFERENCES") && unquoted(two[1]).eq_ignore_ascii_case(target)
        };
        let can = part.iter().position(|word| is(word, "DEFERRABLE"))?;
        let cannot = can > 0 && is(part[can - 1], "NOT");
        if !here || cannot || !part.windows(2).any(refers) {
            return None;
        }
        Some(part[can..].iter().any(|word| is(word, "DEFERRED")))
    })
}

/// The checks that a definition is, or has.
pub(super) fn checks(part: &[&str]) -> Vec<Check> {
    let mut checks = Vec::new();
    for (at, two) in part.windows(2).enumerate() {
        let Some(sql) = inside(two[1]).filter(|_| is(two[0], "CHECK")) else { continue };
        let named = at >= 2 && is(part[at - 2], "CONSTRAINT");
        let check = Check::new(sql.trim());
        checks.push(match named {
            true => check.name(unquoted(part[at - 1])),
            false => check,
        });
    }
    checks
}

fn is(token: &str, word: &str) -> bool {
    token.eq_ignore_ascii_case(word)
}

/// Whether the first brackets of a definition have these columns.
fn is_over(part: &[&str], columns: &[&str]) -> bool {
    let Some(list) = part.iter().find_map(|token| inside(token)) else { return false };
    let tokens = tokens(list);
    let mut named = tokens.split(|token| *token == ",").map(first_name);
    columns.iter().all(|column| named.next().is_some_and(|name| name.eq_ignore_ascii_case(column)))
        && named.next().is_none()
}

/// A name without its quotes.
fn unquoted(token: &str) -> String {
    let mut chars = token.chars();
    match (chars.next(), chars.next_back()) {
        (Some('['), Some(']')) => chars.as_str().to_owned(),
        (Some(open @ ('"' | '`' | '\'')), Some(close)) if open == close => {
            chars.as_str().replace(&format!("{open}{open}"), &open.to_string())
        }
        _ => token.to_owned(),
    }
}

/// What stands in a token's brackets, if it has any.
fn inside(token: &str) -> Option<&str> {
    token.strip_prefix('(')?.strip_suffix(')')
}

/// Words, quoted names and texts, other characters, and all that stands in brackets as one; without comments.
fn tokens(sql: &str) -> Vec<&str> {
    places(sql).into_iter().map(|(_, token)| token).collect()
}

/// The tokens, each with its place in the text.
fn places(sql: &str) -> Vec<(usize, &str)> {
    let mut places = Vec::new();
    let mut rest = sql.trim_start();
    while !rest.is_empty() {
        let length = length(rest);
        if !is_comment(rest) {
            places.push((sql.len() - rest.len(), &rest[..length]));
        }
        rest = rest[length..].trim_start();
    }
    places
}

fn is_comment(sql: &str) -> bool {
    sql.starts_with("--") || sql.starts_with("/*")
}

/// The length of the token or comment that a text begins with; one that does not end goes to the end of the text.
fn length(sql: &str) -> usize {
    let until = |end: &str, from: usize| sql[from..].find(end).map(|at| from + at + end.len());
    let found = match sql.chars().next() {
        _ if sql.starts_with("--") => until("\n", 2),
        _ if sql.starts_with("/*") => until("*/", 2),
        Some('[') => until("]", 1),
        Some(quote @ ('"' | '`' | '\'')) => {
            let mut end = until(&quote.to_string(), 1);
            // A doubled quote stands for itself.
            while let Some(at) = end.filter(|at| sql[*at..].starts_with(quote)) {
                end = until(&quote.to_string(), at + 1);
            }
            end
        }
        Some('(') => {
            let (mut at, mut depth) = (1, 1usize);
            while depth > 0 && at < sql.len() {
                match sql[at..].chars().next() {
                    Some(')') => depth -= 1,
                    Some('(') => depth += 1,
                    _ => {}
                }
                at += match &sql[at..] {
                    rest if rest.starts_with('(') => 1,
                    rest => length(rest),
                };
            }
            Some(at)
        }
        Some(c) if is_of_word(c) => Some(sql.find(|c: char| !is_of_word(c)).unwrap_or(sql.len())),
        Some(c) => Some(c.len_utf8()),
        None => None,
    };
    found.unwrap_or(sql.len())
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_constraints() {
        let created = "CREATE TABLE t (a INTEGER, \"b\" TEXT, UNIQUE (a), CONSTRAINT \"both ü\" UNIQUE (A, \"b\"), \
                       constraint fk foreign key ([a]) references t (a), CONSTRAINT \"x\"\"y\" UNIQUE (b))";
        let parts = parts(created);
        assert_eq!(name_of(&parts, "UNIQUE", &["a", "b"]).as_deref(), Some("both ü"));
        assert_eq!(name_of(&parts, "FOREIGN", &["a"]).as_deref(), Some("fk"));
        assert_eq!(name_of(&parts, "UNIQUE", &["b"]).as_deref(), Some("x\"y"));
        assert_eq!(name_of(&parts, "UNIQUE", &["a"]), None);
    }

    #[test]
    fn definitions_are_told_apart() {
        let sql = "CREATE TABLE \"t(\" (\"a,b\" INTEGER, -- who's (this\n [c] TEXT DEFAULT '),(' CHECK (c <> '('), \
                   /* that's, */ d AS (a || ')') STORED, CONSTRAINT big CHECK (a > (1 + 2 /* ) */)))";
        let parts = parts(sql);
        assert_eq!(parts.len(), 4);
        assert_eq!(first_name(&parts[0]), "a,b");
        assert_eq!(first_name(&parts[1]), "c");
        assert_eq!(bracketed_after(&parts[2], "AS"), Some("a || ')'"));
        assert_eq!(&*checks(&parts[1])[0].sql, "c <> '('");
        let check = &checks(&parts[3])[0];
        assert_eq!((check.name.as_deref(), &*check.sql), (Some("big"), "a > (1 + 2 /* ) */)"));
    }

    #[test]
    fn what_does_not_end_goes_to_the_end() {
        for sql in ["CREATE TABLE t (a", "t (a, 'b", "t (\"", "t (a /*", "t ([", "(", ""] {
            assert!(parts(sql).len() <= 2, "{sql}");
        }
        assert_eq!(after("CREATE INDEX \"a WHERE b\" ON t (c)\nWHERE d", "WHERE"), Some("d"));
        assert_eq!(after("CREATE INDEX i ON t (c)", "WHERE"), None);
    }

    #[test]
    fn what_is_put_off() {
        let created = "CREATE TABLE t (a REFERENCES u DEFERRABLE INITIALLY DEFERRED, b REFERENCES u NOT DEFERRABLE, \
                       c INT, FOREIGN KEY (b, c) REFERENCES \"V\" DEFERRABLE)";
        let parts = parts(created);
        assert_eq!(deferred(&parts, &["a"], "u"), Some(true));
        assert_eq!(deferred(&parts, &["b"], "u"), None);
        assert_eq!(deferred(&parts, &["b", "c"], "v"), Some(false));
    }
}
