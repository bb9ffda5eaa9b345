//! Database URLs: `sqlite://app.db`, `sqlite::memory:`, `postgres://user:pw@host:5432/db?sslmode=require`.
//!
//! Parsing says what is wrong and never repeats the password; neither does `Debug` or `Display`.

use aludel_sql::{Error, ErrorKind, Result};
use std::fmt;

/// A parsed database URL.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    pub(crate) place: Place,
    pub(crate) query: Vec<(String, String)>,
}

/// Where the database is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// An SQLite database in memory.
    Memory,
    /// An SQLite file.
    File(String),
    /// A PostgreSQL server.
    Server(Server),
}

/// A server, its user and its database.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) port: Option<u16>,
    pub(crate) database: Option<String>,
}

impl Url {
    /// Parses a URL.
    ///
    /// * `sqlite://app.db`, `sqlite:app.db`: a file, relative to the working directory;
    ///   `sqlite:///var/lib/app.db`: an absolute path. `?mode=ro` opens it read-only, `?mode=rw` does not create it.
    /// * `sqlite::memory:`, `sqlite://:memory:`: a database in memory.
    /// * `postgres://user:password@host:port/database?option=value`; `postgresql` is the same.
    ///   User, password and database may be percent-encoded; a host in brackets is an IPv6 address.
    pub fn parse(text: &str) -> Result<Self> {
        let Some((scheme, rest)) = text.split_once(':') else {
            return Err(bad("there is no scheme; write sqlite://… or postgres://…"));
        };
        let scheme = scheme.to_ascii_lowercase();
        match scheme.as_str() {
            "sqlite" => Self::sqlite(rest),
            "postgres" | "postgresql" => Self::server(rest),
            "file" => Err(bad("the scheme is `file`; write sqlite://path")),
            "mysql" | "mariadb" => Err(Error::new(
                ErrorKind::Unsupported,
                "database URL: this version has no driver for MySQL and MariaDB yet",
            )),
            s if s.starts_with("postgres") || s.starts_with("sqlite") => {
                let plain = if s.starts_with("sqlite") { "sqlite" } else { "postgres" };
                Err(bad(format!(
                    "the scheme is `{s}`; did you mean `{plain}`? (the driver is not part of it)"
                )))
            }
            // What stands before the colon may be anything, a password too: it is not repeated when it is odd.
            s if s.len() <= 20 && s.chars().all(|c| c.is_ascii_alphanumeric() || c == '+') => {
                Err(bad(format!(
                    "the scheme `{s}` is not known; the known ones are sqlite and postgres"
                )))
            }
            _ => Err(bad("the scheme is not known; the known ones are sqlite and postgres")),
        }
    }

    fn sqlite(rest: &str) -> Result<Self> {
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (path, query) = split_query(rest)?;
        if path == ":memory:" {
            return Ok(Self { place: Place::Memory, query });
        }
        if path.is_empty() {
            return Err(bad(
                "there is no path; write sqlite://app.db, or sqlite::memory: for a database in memory",
            ));
        }
        let path = decode(path, "path")?;
        if path.contains('\0') {
            return Err(bad("the path has a NUL character in it"));
        }
        Ok(Self { place: Place::File(path), query })
    }

    fn server(rest: &str) -> Result<Self> {
        let Some(rest) = rest.strip_prefix("//") else {
            return Err(bad(
                "there is no `//` behind the scheme; write postgres://user:password@host:port/database",
            ));
        };
        let (rest, query) = split_query(rest)?;
        let (authority, database) = match rest.split_once('/') {
            Some((authority, database)) => (authority, Some(database)),
            None => (rest, None),
        };
        let mut server = Server::default();
        let place = match authority.rsplit_once('@') {
            Some((who, place)) => {
                let (user, password) = match who.split_once(':') {
                    Some((user, password)) => (user, Some(password)),
                    None => (who, None),
                };
                server.user = Some(decode(user, "user")?).filter(|u| !u.is_empty());
                server.password = password.map(|p| decode(p, "password")).transpose()?;
                place
            }
            None => authority,
        };
        let (host, port) = split_port(place)?;
        server.host = Some(decode(host, "host")?).filter(|h| !h.is_empty());
        server.port = port;
        if let Some(database) = database {
            if database.contains('/') {
                return Err(bad(
                    "there is a `/` in the name of the database; write it as %2F, and a `/` in the password too",
                ));
            }
            server.database = Some(decode(database, "database")?).filter(|d| !d.is_empty());
        }
        Ok(Self { place: Place::Server(server), query })
    }

    /// Takes the last value of an option out of the query.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        let mut found = None;
        self.query.retain_mut(|(n, v)| {
            if n == name {
                found = Some(std::mem::take(v));
                return false;
            }
            true
        });
        found
    }
}

fn bad(what: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Argument, format!("database URL: {what}"))
}

/// Splits off the host's port, minding IPv6 addresses in brackets.
fn split_port(place: &str) -> Result<(&str, Option<u16>)> {
    let (host, port) = if let Some(rest) = place.strip_prefix('[') {
        let Some((host, tail)) = rest.split_once(']') else {
            return Err(bad("the bracket before the IPv6 address is not closed"));
        };
        match tail.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None if tail.is_empty() => (host, None),
            None => return Err(bad("there is something between the IPv6 address and the port")),
        }
    } else {
        match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        }
    };
    // A wrong port may be half a password (`user:pa@ss:word@…` has its `@` not encoded): it is not repeated.
    let port = match port {
        None | Some("") => None,
        Some(p) => Some(p.parse::<u16>().map_err(|_| {
            bad("the port is not a number from 0 to 65535 (`@`, `:` and `/` in a password must be written %40, %3A, %2F)")
        })?),
    };
    Ok((host, port))
}

fn split_query(rest: &str) -> Result<(&str, Vec<(String, String)>)> {
    let Some((place, query)) = rest.split_once('?') else {
        return Ok((rest, Vec::new()));
    };
    let mut options = Vec::new();
    for part in query.split('&').filter(|p| !p.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        options.push((decode(name, "option")?, decode(&value.replace('+', "%20"), "option")?));
    }
    Ok((place, options))
}

/// Percent-decodes a part.
fn decode(part: &str, what: &str) -> Result<String> {
    if !part.contains('%') {
        return Ok(part.to_owned());
    }
    let mut out = Vec::with_capacity(part.len());
    let mut bytes = part.bytes();
    while let Some(b) = bytes.next() {
        if b != b'%' {
            out.push(b);
            continue;
        }
        let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
        match (digit(bytes.next()), digit(bytes.next())) {
            (Some(high), Some(low)) => out.push((high * 16 + low) as u8),
            _ => {
                return Err(bad(format!(
                    "the {what} has a `%` without two hexadecimal digits; write %25 for `%`"
                )));
            }
        }
    }
    String::from_utf8(out)
        .map_err(|_| bad(format!("the {what} is not UTF-8 when it is percent-decoded")))
}

impl fmt::Display for Url {
    /// The URL without its password and its options.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Memory => f.write_str("sqlite::memory:"),
            Place::File(path) => write!(f, "sqlite://{path}"),
            Place::Server(s) => {
                f.write_str("postgres://")?;
                if let Some(user) = &s.user {
                    f.write_str(user)?;
                    if s.password.is_some() {
                        f.write_str(":***")?;
                    }
                    f.write_str("@")?;
                }
                let host = s.host.as_deref().unwrap_or("localhost");
                if host.contains(':') {
                    write!(f, "[{host}]")?
                } else {
                    f.write_str(host)?
                }
                if let Some(port) = s.port {
                    write!(f, ":{port}")?;
                }
                match &s.database {
                    Some(database) => write!(f, "/{database}"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(text: &str) -> Server {
        match Url::parse(text).unwrap().place {
            Place::Server(s) => s,
            _ => panic!("not a server"),
        }
    }

    #[test]
    fn sqlite_places() {
        for (text, shown) in [
            ("sqlite://app.db", "sqlite://app.db"),
            ("sqlite:app.db", "sqlite://app.db"),
            ("sqlite:///var/app.db", "sqlite:///var/app.db"),
            ("sqlite://a%20b.db?mode=ro", "sqlite://a b.db"),
            ("sqlite::memory:", "sqlite::memory:"),
            ("SQLite://:memory:", "sqlite::memory:"),
        ] {
            assert_eq!(Url::parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn server_places() {
        let s = server("postgres://us%40er:p%2Fw:x@db.example:5433/my%20db?sslmode=require");
        assert_eq!(s.user.as_deref(), Some("us@er"));
        assert_eq!(s.password.as_deref(), Some("p/w:x"));
        assert_eq!((s.host.as_deref(), s.port), (Some("db.example"), Some(5433)));
        assert_eq!(s.database.as_deref(), Some("my db"));
        let s = server("postgresql://[::1]:5/");
        assert_eq!((s.host.as_deref(), s.port, s.database), (Some("::1"), Some(5), None));
        assert_eq!(server("postgres://").host, None);
    }

    #[test]
    fn errors_say_what_is_wrong_and_hide_the_password() {
        for (text, part) in [
            ("app.db", "no scheme"),
            ("sqlite://", "no path"),
            ("oracle://x", "`oracle` is not known"),
            ("postgresql+psycopg2://u:secret@h/d", "did you mean `postgres`"),
            ("postgres:u:secret@h/d", "no `//`"),
            ("postgres://u:secret@h:port/d", "port is not a number"),
            ("postgres://u:sec%ret@h/d", "password has a `%`"),
            ("postgres://u:secret@[::1/d", "not closed"),
            ("postgres://u:sec/ret@h/d", "port is not a number"),
            ("secret word://", "not known"),
        ] {
            let e = Url::parse(text).unwrap_err();
            let message = format!("{e} {e:?}");
            assert!(message.contains(part), "{text}: {message}");
            assert!(!message.contains("secret") && !message.contains("sec%ret"), "{message}");
        }
        let url = Url::parse("postgres://u:secret@h/d?password=secret").unwrap();
        assert_eq!(format!("{url} {url:?}"), "postgres://u:***@h/d Url(postgres://u:***@h/d)");
    }
}
