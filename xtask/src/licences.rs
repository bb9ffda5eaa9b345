//! The licences of everything we are built from, against the list in `deny.toml`. The file is
//! cargo-deny's, which checks more where it is installed; this check needs nothing but cargo.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, bail};

use crate::{report, run};

/// Checks every package of the lock file.
pub(crate) fn check() -> Result<()> {
    let text =
        fs::read_to_string(run::root().join("deny.toml")).context("cannot read deny.toml")?;
    let allowed = allowed(&text)?;
    let metadata = run::metadata(true)?;
    let packages = metadata["packages"].as_array().context("`cargo metadata` shows no packages")?;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut refused = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        let Some(licence) = package["license"].as_str() else {
            refused.push(format!("{name}: names no licence"));
            continue;
        };
        *counts.entry(licence).or_default() += 1;
        let exceptions = allowed.exceptions.get(name).map_or(&[][..], Vec::as_slice);
        let may = |id: &str| allowed.all.iter().chain(exceptions).any(|a| a == id);
        if !satisfied(licence, &may).with_context(|| format!("{name}: `{licence}`"))? {
            refused.push(format!("{name}: {licence}"));
        }
    }
    if !refused.is_empty() {
        bail!("licences that deny.toml does not allow:\n  {}", refused.join("\n  "));
    }
    report::line(&format!("licences: {} packages, {} expressions", packages.len(), counts.len()));
    Ok(())
}

struct Allowed {
    all: Vec<String>,
    exceptions: BTreeMap<String, Vec<String>>,
}

fn allowed(text: &str) -> Result<Allowed> {
    let file: toml::Table = toml::from_str(text).context("deny.toml")?;
    let licences = file.get("licenses").context("deny.toml has no [licenses]")?;
    let strings = |value: Option<&toml::Value>| -> Vec<String> {
        let items = value.and_then(toml::Value::as_array).into_iter().flatten();
        items.filter_map(toml::Value::as_str).map(str::to_owned).collect()
    };
    let all = strings(licences.get("allow"));
    let mut exceptions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for item in licences.get("exceptions").and_then(toml::Value::as_array).into_iter().flatten() {
        let name = item.get("crate").or_else(|| item.get("name")).and_then(toml::Value::as_str);
        let name = name.context("deny.toml: an exception names no crate")?;
        exceptions.entry(name.to_owned()).or_default().extend(strings(item.get("allow")));
    }
    Ok(Allowed { all, exceptions })
}

/// Whether an SPDX expression can be satisfied with allowed licences. `/` is the old spelling of OR.
fn satisfied(expression: &str, may: &dyn Fn(&str) -> bool) -> Result<bool> {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser { tokens: &tokens, may };
    let verdict = parser.any()?;
    match parser.tokens {
        [] => Ok(verdict),
        [token, ..] => bail!("`{token}` is out of place"),
    }
}

struct Parser<'a> {
    tokens: &'a [&'a str],
    may: &'a dyn Fn(&str) -> bool,
}

impl<'a> Parser<'a> {
    fn take(&mut self, wanted: &str) -> bool {
        let found = self.tokens.first().is_some_and(|t| t.eq_ignore_ascii_case(wanted));
        if found {
            self.tokens = &self.tokens[1..];
        }
        found
    }

    fn any(&mut self) -> Result<bool> {
        let mut verdict = self.all()?;
        while self.take("OR") {
            verdict |= self.all()?;
        }
        Ok(verdict)
    }

    fn all(&mut self) -> Result<bool> {
        let mut verdict = self.one()?;
        while self.take("AND") {
            verdict &= self.one()?;
        }
        Ok(verdict)
    }

    fn one(&mut self) -> Result<bool> {
        if self.take("(") {
            let verdict = self.any()?;
            return if self.take(")") { Ok(verdict) } else { bail!("`)` is missing") };
        }
        let id = self.next()?;
        if self.take("WITH") {
            let exception = self.next()?;
            return Ok((self.may)(id) || (self.may)(&format!("{id} WITH {exception}")));
        }
        Ok((self.may)(id))
    }

    fn next(&mut self) -> Result<&'a str> {
        let (first, rest) = self.tokens.split_first().context("a licence is missing")?;
        self.tokens = rest;
        Ok(first)
    }
}

#[cfg(test)]
mod tests {
    use super::{allowed, satisfied};

    fn may(id: &str) -> bool {
        ["MIT", "Apache-2.0", "Unicode-3.0"].contains(&id)
    }

    #[test]
    fn expressions_are_understood() {
        for (expression, wanted) in [
            ("MIT", true),
            ("GPL-3.0", false),
            ("MIT/Apache-2.0", true),
            ("GPL-3.0 OR MIT", true),
            ("GPL-3.0 AND MIT", false),
            ("(MIT OR GPL-3.0) AND Unicode-3.0", true),
            ("Apache-2.0 WITH LLVM-exception OR GPL-2.0", true),
        ] {
            assert_eq!(satisfied(expression, &may).unwrap(), wanted, "{expression}");
        }
        assert!(satisfied("MIT OR", &may).is_err());
        assert!(satisfied("MIT GPL-3.0", &may).is_err());
    }

    #[test]
    fn the_list_is_read() {
        let file =
            "[licenses]\nallow = [\"MIT\"]\nexceptions = [{ crate = \"a\", allow = [\"Zlib\"] }]";
        let allowed = allowed(file).unwrap();
        assert_eq!(allowed.all, ["MIT"]);
        assert_eq!(allowed.exceptions["a"], ["Zlib"]);
    }
}
