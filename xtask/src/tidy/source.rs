//! Tells code from comments and strings, as far as a line-wise check needs it.

/// Rust source with everything but code blanked out; lines and columns (in bytes) stay what they were.
pub(super) fn code_only(text: &str) -> String {
    let mut out: Vec<u8> = text.bytes().map(|b| if b == b'\n' { b } else { b' ' }).collect();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes.get(at + 1) == Some(&b'/') => line_end(bytes, at),
            b'/' if bytes.get(at + 1) == Some(&b'*') => block_comment_end(bytes, at),
            b'"' => string_end(bytes, at),
            b'\'' => match char_end(text, at) {
                Some(end) => end,
                None => keep(&mut out, bytes, at, at + 1), // a lifetime
            },
            b if is_name(b) => {
                let end = at + bytes[at..].iter().take_while(|b| is_name(**b)).count();
                let prefix = &bytes[at..end];
                match raw_string_end(bytes, end) {
                    Some(end) if matches!(prefix, b"r" | b"br" | b"cr") => end,
                    _ => keep(&mut out, bytes, at, end),
                }
            }
            _ => keep(&mut out, bytes, at, at + 1),
        };
        at = end;
    }
    // Only whole ASCII bytes and whole characters were kept, so this loses nothing.
    String::from_utf8_lossy(&out).into_owned()
}

fn keep(out: &mut [u8], bytes: &[u8], from: usize, to: usize) -> usize {
    out[from..to].copy_from_slice(&bytes[from..to]);
    to
}

fn is_name(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |n| at + n)
}

fn block_comment_end(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0);
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b'/', Some(b'*')) => (at, depth) = (at + 2, depth + 1),
            (b'*', Some(b'/')) => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    at
}

fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn raw_string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let hashes = bytes[at..].iter().take_while(|b| **b == b'#').count();
    (bytes.get(at + hashes) == Some(&b'"')).then_some(())?;
    let mut close = vec![b'"'];
    close.resize(hashes + 1, b'#');
    let from = at + hashes + 1;
    let found = bytes[from..].windows(close.len()).position(|w| w == close);
    Some(found.map_or(bytes.len(), |n| from + n + close.len()))
}

fn char_end(text: &str, at: usize) -> Option<usize> {
    let mut rest = text[at + 1..].char_indices();
    let (_, first) = rest.next()?;
    if first == '\\' {
        let body = &text[at + 3..];
        return body.find('\'').map(|n| at + 3 + n + 1);
    }
    match rest.next()? {
        (n, '\'') => Some(at + 1 + n + 1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::code_only;

    #[test]
    fn comments_and_strings_are_blanked() {
        let text = "let a = \"x\\\"y\"; // c\n/* d /* e */ f */ b('\"', 'a', '\\'', r#\"g\"h\"#);";
        let code = code_only(text);
        assert_eq!(code.len(), text.len());
        let words: Vec<&str> = code.split_whitespace().collect();
        assert_eq!(words, ["let", "a", "=", ";", "b(", ",", ",", ",", ");"]);
    }

    #[test]
    fn lifetimes_and_other_scripts_do_not_confuse() {
        let code = code_only("fn f<'a>(x: &'a str) { g(\"é\", 'é'); h::<'a>() }");
        assert_eq!(code.matches("'a").count(), 3);
        assert!(code.contains("h::<'a>()"));
    }
}
