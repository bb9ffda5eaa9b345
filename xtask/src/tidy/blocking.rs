//! The blocking session has every method of the async one that does I/O.
//!
//! It derefs to the async session, so that a method that it lacks is found all the same, and gives a future that
//! nobody awaits.

use super::rules::Finding;
use super::source::code_only;

/// The file of the blocking session.
pub(super) const FACE: &str = "src/blocking.rs";

/// Whether a file may have methods of the async session.
pub(super) fn may_have_methods(path: &str) -> bool {
    path.starts_with("crates/aludel-orm/src/") && path.ends_with(".rs")
}

/// The public methods of the async session in a file which have to be awaited, with their lines.
pub(super) fn awaited(text: &str) -> Vec<(usize, String)> {
    let code = code_only(text);
    let mut methods = Vec::new();
    let mut inside = false;
    let mut signature: Option<(usize, String)> = None;
    for (at, line) in code.lines().enumerate() {
        if line.starts_with("impl") {
            inside = line.trim_end() == "impl Session {";
        }
        inside &= line != "}";
        let begins = line.starts_with("    pub fn ") || line.starts_with("    pub async fn ");
        if inside && begins {
            signature = Some((at + 1, String::new()));
        }
        let Some((_, so_far)) = &mut signature else { continue };
        so_far.push_str(line);
        so_far.push(' ');
        if !line.trim_end().ends_with('{') {
            continue;
        }
        if let Some((line, signature)) = signature.take()
            && (signature.contains("pub async fn ") || signature.contains("impl Future"))
            && let Some((_, rest)) = signature.split_once("fn ")
        {
            let end = rest.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(rest.len());
            methods.push((line, rest[..end].to_owned()));
        }
    }
    methods
}

/// The methods of a file that the blocking session lacks.
pub(super) fn missing(face: &str, text: &str) -> Vec<Finding> {
    let face = code_only(face);
    let has = |name: &str| {
        let begins = format!("fn {name}");
        face.match_indices(&begins).any(|(at, _)| face[at + begins.len()..].starts_with(['(', '<']))
    };
    let lacks = |(line, name): (usize, String)| {
        let what =
            format!("`Session::{name}` is not in {FACE}, whose sessions would give its future");
        (!has(&name)).then_some(Finding { line, what, fatal: true })
    };
    awaited(text).into_iter().filter_map(lacks).collect()
}

#[cfg(test)]
mod tests {
    use super::missing;

    #[test]
    fn what_is_awaited_has_a_blocking_face() {
        let text = "impl Session {\n    pub async fn here(&mut self) {\n    }\n    pub fn plain(&self) {\n    }\n    \
            pub fn gone(\n        &mut self,\n    ) -> impl Future<Output = ()> {\n    }\n}\n\
            impl Other {\n    pub async fn other(&self) {\n    }\n}\n";
        let found = missing("wait! { fn here() -> (); fn gone_by() -> (); }", text);
        assert_eq!(found.len(), 1);
        assert!(found[0].line == 6 && found[0].what.contains("`Session::gone`"), "{found:?}");
    }
}
