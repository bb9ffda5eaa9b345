//! The shared kit, where it is there, and the repository's own cases.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use conformance::{Databases, Kit, compare, out_of_scope};

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

/// What differs on PostgreSQL alone, and why.
const ON_POSTGRES: [(&str, &str); 1] = [(
    "uow-flush-error-rolls-back-all",
    "a batch is refused as a whole there: none of it has a key",
)];

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
            let listed = out_of_scope().iter().chain(&ON_POSTGRES).any(|(n, _)| *n == name);
            if let Err(difference) = compare(&kit, &databases, &name, false)
                && !listed
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
