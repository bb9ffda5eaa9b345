//! The shared kit, where it is there, and the repository's own cases.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use conformance::{Databases, Kit, Listed, compare, listed, out_of_scope};

/// The shared kit: beside the repository, or where `ALUDEL_CONFORMANCE` says.
fn shared() -> Option<PathBuf> {
    let folder = match std::env::var_os("ALUDEL_CONFORMANCE") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance"),
    };
    folder.join("scenarios").is_dir().then_some(folder)
}

#[test]
fn the_shared_kit() {
    let Some(folder) = shared() else {
        eprintln!(
            "\n*** THE SHARED KIT IS NOT THERE: ../shared/conformance is not beside the repository, and \
             ALUDEL_CONFORMANCE is not set. Only the repository's own cases are run. ***\n"
        );
        return;
    };
    let listed: BTreeMap<_, _> = out_of_scope().into_iter().collect();
    let kit = Kit::open(&folder).unwrap();
    let databases = Databases::new().unwrap();
    let names = kit.names().unwrap();
    let mut wrong = Vec::new();
    for name in &names {
        let result = compare(&kit, &databases, name, false);
        match (result, listed.contains_key(name.as_str())) {
            (Ok(()), true) => {
                wrong
                    .push(format!("{name}: is equal; take it out of conformance/out_of_scope.txt"));
            }
            (Err(difference), false) => wrong.push(format!("{name}: {difference:?}")),
            _ => {}
        }
    }
    for name in listed.keys().filter(|name| !names.iter().any(|n| n == *name)) {
        wrong.push(format!("{name}: is listed as out of scope, and there is no such scenario"));
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), names.len(), wrong.join("\n"));
}

/// What is said to differ on purpose is a row of the document, and one only.
#[test]
fn listed_differences_are_rows_of_the_document() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/differences.md");
    let text = std::fs::read_to_string(path).unwrap();
    let first_cell = |line: &str| line.strip_prefix("| ")?.split(" | ").next().map(str::to_owned);
    let rows: Vec<String> = text.lines().filter_map(first_cell).collect();
    let mut names = std::collections::BTreeSet::new();
    for Listed { name, row, .. } in listed() {
        let rows = rows.iter().filter(|cell| cell.contains(row)).count();
        assert!(!row.is_empty() && rows == 1, "{name}: `{row}` is in {rows} rows");
        assert!(names.insert(name), "{name} is listed twice");
    }
    assert!(!names.is_empty());
}

#[test]
fn both_kits_on_postgres() {
    let Ok(url) = std::env::var("ALUDEL_TEST_POSTGRES") else {
        eprintln!("ALUDEL_TEST_POSTGRES is not set: not run");
        return;
    };
    let databases = Databases::on_server(&url).unwrap();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut wrong = Vec::new();
    for folder in shared().into_iter().chain([own]) {
        let kit = Kit::open(&folder).unwrap();
        for name in kit.names().unwrap() {
            let skipped = out_of_scope().iter().any(|(n, _)| *n == name);
            if let Err(difference) = compare(&kit, &databases, &name, false)
                && !skipped
                && difference.listed.is_none()
            {
                wrong.push(format!("{name}: {difference:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_repositorys_own_cases() {
    let kit = Kit::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")).unwrap();
    let databases = Databases::new().unwrap();
    let names = kit.names().unwrap();
    let differing: Vec<_> = names
        .iter()
        .filter_map(|name| {
            let difference = compare(&kit, &databases, name, false).err()?;
            Some(format!("{name}: {difference:?}"))
        })
        .collect();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}
