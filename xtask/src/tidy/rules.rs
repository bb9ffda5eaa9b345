//! The rules, one function each.

use super::source::code_only;

/// A place where a rule is broken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) line: usize,
    pub(super) what: String,
    pub(super) fatal: bool,
}

/// Lines from which a file is worth a look, and from which it is a defect.
const LONG: usize = 600;
const TOO_LONG: usize = 1000;

/// Split so that this file keeps its own rules.
const UNFINISHED: &[&str] = &[concat!("FIX", "ME"), concat!("X", "XX:")];
const MACHINE_PATHS: &[&str] =
    &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Use", "rs/")];
const NOT_IN_CODE: &[&str] = &["todo!", "unimplemented!", "dbg!"];

/// What holds for every text file.
pub(super) fn of_any_file(text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, content) in lines(text) {
        for word in UNFINISHED.iter().filter(|word| content.contains(**word)) {
            findings.push(error(line, format!("`{word}`: finish it, or file an issue")));
        }
        for path in MACHINE_PATHS.iter().filter(|path| names_path(content, path)) {
            findings.push(error(line, format!("`{path}…` is a path of one machine")));
        }
    }
    findings
}

/// What holds for every file of Rust.
pub(super) fn of_rust(path: &str, text: &str) -> Vec<Finding> {
    let code = code_only(text);
    let mut findings = Vec::new();
    findings.extend(length(text));
    findings.extend(module_docs(path, text));
    findings.extend(unfinished(text, &code));
    findings.extend(undocumented_unsafe(text, &code));
    findings
}

fn length(text: &str) -> Option<Finding> {
    let lines = text.lines().count();
    let what = format!("{lines} lines: this file has more than one subject");
    (lines > LONG).then_some(Finding { line: lines, what, fatal: lines > TOO_LONG })
}

/// Cases that must not compile are read for their errors, not for their docs; `tests.rs` says what it is.
fn module_docs(path: &str, text: &str) -> Option<Finding> {
    let is_case =
        ["/ui/", "/fail/", "/compile_fail/", "/fixtures/"].iter().any(|dir| path.contains(dir))
            || path.ends_with("/tests.rs");
    let first = text.lines().find(|line| {
        !line.trim().is_empty() && !line.starts_with("#!") && !line.starts_with("// ")
    });
    let documented = first.is_some_and(|line| line.starts_with("//!") || line.starts_with("/*!"));
    (!is_case && !documented).then(|| error(1, "does not begin with `//!`: say what it is".into()))
}

fn unfinished(text: &str, code: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for ((line, content), original) in lines(code).zip(text.lines()) {
        for word in NOT_IN_CODE {
            if find_word(content, word) && !allowed(original) {
                findings.push(error(line, format!("`{word}` is for unfinished work")));
            }
        }
    }
    findings
}

/// Every `unsafe` block or impl has a `SAFETY:` comment above it; the comment's lines are skipped.
fn undocumented_unsafe(text: &str, code: &str) -> Vec<Finding> {
    let originals: Vec<&str> = text.lines().collect();
    let mut findings = Vec::new();
    for (line, content) in lines(code) {
        if !find_word(content, "unsafe")
            || content.contains("unsafe fn")
            || allowed(originals[line - 1])
        {
            continue;
        }
        let above = originals[..line - 1].iter().rev();
        let said = above
            .take_while(|l| l.trim_start().starts_with("//") || l.trim_start().starts_with("#["))
            .any(|l| l.contains("SAFETY:"));
        if !said && !originals[line - 1].contains("SAFETY:") {
            findings.push(error(line, "`unsafe` without a `// SAFETY:` comment".into()));
        }
    }
    findings
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(n, line)| (n + 1, line)).filter(|(_, line)| !allowed(line))
}

fn allowed(line: &str) -> bool {
    line.contains("tidy: allow")
}

/// A path at the start of a word: not the tail of a longer path, an address or a pattern.
fn names_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '.' | '-' | '_' | '/' | '}'))
    })
}

fn find_word(line: &str, word: &str) -> bool {
    let is_name = |c: char| c == '_' || c.is_alphanumeric();
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let after_counts = word.ends_with(|c: char| is_name(c));
        !(before.is_some_and(is_name) || after_counts && after.is_some_and(is_name))
    })
}

fn error(line: usize, what: String) -> Finding {
    Finding { line, what, fatal: true }
}

#[cfg(test)]
mod tests {
    use super::{of_any_file, of_rust};

    fn found(text: &str) -> Vec<String> {
        of_rust("src/a.rs", text).into_iter().map(|f| format!("{}: {}", f.line, f.what)).collect()
    }

    #[test]
    fn a_clean_file_has_no_findings() {
        assert_eq!(found("//! Docs.\nfn a() { b(\"todo!()\") } // not unsafe\n"), [""; 0]);
    }

    #[test]
    fn unfinished_work_is_found_in_code_only() {
        let findings = found("//! Docs.\nfn a() { todo!() }\nfn b() { my_dbg!(1); dbg!(2); }\n");
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings[0].starts_with("2: `todo!`") && findings[1].starts_with("3: `dbg!`"));
    }

    #[test]
    fn unsafe_needs_its_reason() {
        let bad = "//! Docs.\nfn a() { unsafe { b() } }\n";
        assert_eq!(found(bad).len(), 1);
        let good = "//! Docs.\n#![forbid(unsafe_code)]\n// SAFETY: b is fine.\nunsafe { b() }\n";
        assert_eq!(found(good), [""; 0]);
    }

    #[test]
    fn files_say_what_they_are_and_stay_short() {
        assert!(found("fn a() {}\n")[0].contains("//!"));
        let long = format!("//! Docs.\n{}", "\n".repeat(1000));
        let findings = of_rust("src/a.rs", &long);
        assert!(findings.len() == 1 && findings[0].fatal);
        let longish = format!("//! Docs.\n{}", "\n".repeat(700));
        assert!(!of_rust("src/a.rs", &longish)[0].fatal);
        assert!(of_rust("tests/ui/a.rs", "fn a() {}\n").is_empty());
    }

    #[test]
    fn machine_paths_are_found_at_the_start_of_a_word() {
        let path = concat!("/ho", "me/me/app.db");
        assert_eq!(of_any_file(&format!("open {path}")).len(), 1);
        assert_eq!(of_any_file(&format!("open a{path}")).len(), 0);
        assert_eq!(of_any_file(&format!("open {path} # tidy: allow, an example")).len(), 0);
    }
}
