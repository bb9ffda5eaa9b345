//! How many statements a piece of work sends to PostgreSQL, and in how many round trips.
//!
//! The peer is told the address of a proxy. It collects what the client sends until the client is silent, and hands it
//! on: each such burst is one round trip, since what is in it was sent without waiting for an answer. Only what lies
//! between the two statements that mark the timed work is counted.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

/// A client that sends nothing for so long waits for an answer.
const SILENCE: Duration = Duration::from_millis(1);

const BEGIN: &[u8] = b"bench: begin";
const END: &[u8] = b"bench: end";

/// What was sent between the marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) statements: u64,
    pub(super) round_trips: u64,
}

/// A proxy before a server, on a port of its own. Its threads end with the connections.
pub(super) struct Proxy {
    url: String,
    counter: Arc<Mutex<Counter>>,
}

#[derive(Default)]
struct Counter {
    counting: bool,
    counts: Counts,
}

impl Proxy {
    /// Before the server of this URL.
    pub(super) fn start(url: &str) -> Result<Self> {
        let rest = url.split_once("://").context("a URL")?.1;
        let address = rest.split('/').next().and_then(|host| host.rsplit('@').next());
        let address = address.context("a URL with a host")?.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let own = format!("127.0.0.1:{}", listener.local_addr()?.port());
        let counter = Arc::new(Mutex::new(Counter::default()));
        let shared = Arc::clone(&counter);
        let server = address.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (server, counter) = (server.clone(), Arc::clone(&shared));
                thread::spawn(move || relay(client, &server, &counter));
            }
        });
        Ok(Self { url: url.replacen(&address, &own, 1), counter })
    }

    /// The URL by which a client comes through the proxy.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// What was counted since the last mark of a beginning.
    pub(super) fn counts(&self) -> Counts {
        self.counter.lock().unwrap_or_else(PoisonError::into_inner).counts
    }
}

fn relay(mut client: TcpStream, server: &str, counter: &Mutex<Counter>) -> io::Result<()> {
    let mut server = TcpStream::connect(server)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut answers, mut to) = (server.try_clone()?, client.try_clone()?);
    thread::spawn(move || {
        // Either side may go first.
        let _ = io::copy(&mut answers, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
    let mut messages = Messages::default();
    while let Some(burst) = burst(&mut client)? {
        let statements = messages.count(&burst);
        counter.lock().unwrap_or_else(PoisonError::into_inner).add(&burst, statements);
        server.write_all(&burst)?;
    }
    server.shutdown(Shutdown::Both)
}

/// What a client sends before it waits; nothing when it is gone.
fn burst(client: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut burst = Vec::new();
    let mut buffer = [0; 65_536];
    client.set_read_timeout(None)?;
    loop {
        match client.read(&mut buffer) {
            Ok(0) if burst.is_empty() => return Ok(None),
            Ok(0) => return Ok(Some(burst)),
            Ok(read) => burst.extend_from_slice(&buffer[..read]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Ok(Some(burst));
            }
            Err(error) => return Err(error),
        }
        client.set_read_timeout(Some(SILENCE))?;
    }
}

impl Counter {
    fn add(&mut self, burst: &[u8], statements: u64) {
        let has = |mark: &[u8]| burst.windows(mark.len()).any(|bytes| bytes == mark);
        if has(BEGIN) {
            *self = Self { counting: true, counts: Counts::default() };
        } else if has(END) {
            self.counting = false;
        } else if self.counting {
            self.counts.statements += statements;
            self.counts.round_trips += 1;
        }
    }
}

/// What a client may ask for before it begins: SSL, or GSSAPI.
const ENCRYPTION: [u32; 2] = [80_877_103, 80_877_104];

/// The messages of a client: a kind, a length, so many bytes. Those up to the one that begins have no kind.
#[derive(Default)]
struct Messages {
    started: bool,
    rest: Vec<u8>,
}

impl Messages {
    /// How many statements are run by these bytes and what was left before them.
    fn count(&mut self, bytes: &[u8]) -> u64 {
        self.rest.extend_from_slice(bytes);
        let mut statements = 0;
        let mut at = 0;
        loop {
            let head = usize::from(self.started);
            let length = self.rest.get(at + head..at + head + 4);
            let Some(length) = length.and_then(|l| l.try_into().ok()).map(u32::from_be_bytes)
            else {
                break;
            };
            let end = at + head + length as usize;
            if end > self.rest.len() {
                break;
            }
            // Execute, and Query.
            statements += u64::from(self.started && matches!(self.rest[at], b'E' | b'Q'));
            let code = self.rest.get(at + 4..at + 8).and_then(|code| code.try_into().ok());
            self.started |= code.map(u32::from_be_bytes).is_none_or(|c| !ENCRYPTION.contains(&c));
            at = end;
        }
        self.rest.drain(..at);
        statements
    }
}

#[cfg(test)]
mod tests {
    use super::{Counter, Counts, ENCRYPTION, Messages};

    fn message(kind: u8, text: &str) -> Vec<u8> {
        let length = (text.len() as u32 + 4).to_be_bytes();
        [&[kind][..], &length, text.as_bytes()].concat()
    }

    #[test]
    fn statements_are_counted_across_pieces() {
        let mut messages = Messages::default();
        let ssl = [8u32.to_be_bytes(), ENCRYPTION[0].to_be_bytes()].concat();
        let start = message(0, "user")[1..].to_vec();
        let all = [ssl, start, message(b'P', "SELECT"), message(b'E', ""), message(b'Q', "COMMIT")]
            .concat();
        let whole: u64 = all.chunks(5).map(|piece| messages.count(piece)).sum();
        assert_eq!(whole, 2);
    }

    #[test]
    fn only_what_is_between_the_marks_counts() {
        let mut counter = Counter::default();
        counter.add(b"SELECT 1", 1);
        counter.add(b"SELECT 'bench: begin'", 1);
        counter.add(b"INSERT", 3);
        counter.add(b"COMMIT", 1);
        counter.add(b"SELECT 'bench: end'", 1);
        counter.add(b"SELECT 2", 1);
        assert_eq!(counter.counts, Counts { statements: 4, round_trips: 2 });
    }
}
