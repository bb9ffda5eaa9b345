//! The account that a server runs as. Database servers refuse to run as root.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::run;

/// Who a server runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Account {
    /// Whoever runs this program.
    Own,
    /// Another account of the system, since this program runs as root.
    Other { uid: u32, gid: u32 },
}

impl Account {
    /// The account of that name, or `nobody`, when this program is root; else our own.
    pub(super) fn for_server(name: &str) -> Result<Self> {
        if !run::is_root() {
            return Ok(Self::Own);
        }
        let accounts = fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
        find(&accounts, name).or_else(|| find(&accounts, "nobody")).with_context(|| {
            format!("running as root, and there is no account `{name}` or `nobody`")
        })
    }

    /// Makes a command run as this account.
    pub(super) fn apply(&self, command: &mut Command) {
        if let Self::Other { uid, gid } = *self {
            command.uid(uid).gid(gid);
        }
    }

    /// Gives a file or directory to this account.
    pub(super) fn own(&self, path: &Path) -> Result<()> {
        match *self {
            Self::Own => Ok(()),
            Self::Other { uid, gid } => chown(path, Some(uid), Some(gid))
                .with_context(|| format!("cannot give {} to the server", path.display())),
        }
    }
}

fn find(accounts: &str, name: &str) -> Option<Account> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then_some(())?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Account::Other { uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::{Account, find};

    #[test]
    fn accounts_are_found_by_name() {
        let file =
            "root:x:0:0:root:/root:/bin/bash\npostgres:x:101:104::/var/lib/postgresql:/bin/bash\n";
        assert_eq!(find(file, "postgres"), Some(Account::Other { uid: 101, gid: 104 }));
        assert_eq!(find(file, "post"), None);
    }
}
