//! A proxy between an engine and a PostgreSQL server that knows where a request ends, and does harm at a chosen one.
//!
//! ```text
//! engine ── request ──▶ proxy ── request ──▶ server       a request: messages up to a Sync, or a simple Query
//!        ◀── answer ───       ◀── answer ───              its answer: messages up to ReadyForQuery
//! ```
//!
//! Requests are passed on one at a time, each when the one before is answered, so that what the server has seen at
//! the chosen moment is always the same.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What is done at a request.
#[derive(Clone)]
pub(crate) enum Fault {
    /// The connection is cut; the server does not see the request.
    CutBefore,
    /// The server does what is asked, and the connection is cut before its answer is seen.
    CutAfter,
    /// The server fails with an SQLSTATE, instead of doing what is asked.
    Fail(&'static str),
    /// The server sees the request; then something is done to it, and the connection is cut.
    During(Arc<dyn Fn() + Send + Sync>),
}

/// The proxy. It ends with the program.
pub(crate) struct Proxy {
    port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// What was asked since the proxy was armed, in SQL.
    seen: Vec<String>,
    armed: Option<(usize, Fault)>,
}

impl Proxy {
    /// Before the server at a port of this machine.
    pub(crate) fn before(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let its = state.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let its = its.clone();
                std::thread::spawn(move || {
                    // A connection that is cut, by us or by the server, is what is tested.
                    let _ = TcpStream::connect(("127.0.0.1", server))
                        .and_then(|server| Connection::new(client, server, its)?.run());
                });
            }
        });
        Self { port, state }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Counts requests from here on; at the one of this number, from zero, the fault is committed, once.
    pub(crate) fn arm(&self, at: usize, fault: Fault) {
        *self.state.lock().unwrap() = State { seen: Vec::new(), armed: Some((at, fault)) };
    }

    /// What was asked since the proxy was armed.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.state.lock().unwrap().seen.clone()
    }
}

/// One connection.
struct Connection {
    client: TcpStream,
    server: TcpStream,
    state: Arc<Mutex<State>>,
    /// The prepared statements, and the portals made of them.
    statements: HashMap<Vec<u8>, String>,
    portals: HashMap<Vec<u8>, String>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }
}

impl Connection {
    fn new(client: TcpStream, server: TcpStream, state: Arc<Mutex<State>>) -> io::Result<Self> {
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (statements, portals) = Default::default();
        Ok(Self { client, server, state, statements, portals })
    }

    fn run(mut self) -> io::Result<()> {
        self.begin()?;
        loop {
            let (request, sql) = self.request()?;
            match self.fault(sql) {
                None => {
                    self.server.write_all(&request)?;
                    let answer = self.answer()?;
                    self.client.write_all(&answer)?;
                }
                Some(Fault::CutBefore) => return Ok(()),
                Some(Fault::CutAfter) => {
                    self.server.write_all(&request)?;
                    return self.answer().map(drop);
                }
                Some(Fault::During(act)) => {
                    self.server.write_all(&request)?;
                    act();
                    return Ok(());
                }
                Some(Fault::Fail(state)) => {
                    self.server.write_all(&failing(state, &request))?;
                    let answer = self.answer()?;
                    self.client.write_all(&answer)?;
                }
            }
        }
    }

    /// The start: no encryption, then whatever the server wants.
    fn begin(&mut self) -> io::Result<()> {
        const NO_ENCRYPTION: [u8; 4] = 80_877_103_u32.to_be_bytes();
        let mut first = packet(&mut self.client, Vec::new())?;
        if first[4..] == NO_ENCRYPTION {
            self.client.write_all(b"N")?;
            first = packet(&mut self.client, Vec::new())?;
        }
        self.server.write_all(&first)?;
        let answer = self.answer()?;
        self.client.write_all(&answer)
    }

    /// The next request, and what it asks for.
    fn request(&mut self) -> io::Result<(Vec<u8>, String)> {
        let (mut request, mut sql) = (Vec::new(), Vec::new());
        loop {
            let message = message(&mut self.client)?;
            let body = &message[5..];
            let (kind, mut parts) = (message[0], body.split(|b| *b == 0));
            let mut part = || parts.next().unwrap_or_default().to_vec();
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap_or_default();
            match kind {
                b'Q' => sql.push(text(part())),
                b'P' => {
                    let (name, statement) = (part(), text(part()));
                    sql.push(format!("PREPARE {statement}"));
                    self.statements.insert(name, statement);
                }
                b'B' => {
                    let (portal, name) = (part(), part());
                    let statement = self.statements.get(&name).cloned().unwrap_or_default();
                    self.portals.insert(portal, statement);
                }
                b'E' => sql.push(self.portals.get(&part()).cloned().unwrap_or_default()),
                b'C' => sql.push("CLOSE".to_owned()),
                _ => {}
            }
            request.extend_from_slice(&message);
            match kind {
                b'Q' | b'S' => return Ok((request, sql.join("; "))),
                b'X' => {
                    self.server.write_all(&request)?;
                    return Err(ErrorKind::UnexpectedEof.into());
                }
                _ => {}
            }
        }
    }

    /// The server's messages until it is ready for the next request.
    fn answer(&mut self) -> io::Result<Vec<u8>> {
        let mut answer = Vec::new();
        loop {
            let message = message(&mut self.server)?;
            let last = message[0] == b'Z';
            answer.extend_from_slice(&message);
            if last {
                return Ok(answer);
            }
        }
    }

    /// Notes a request; gives what is to be done at it.
    fn fault(&self, sql: String) -> Option<Fault> {
        let mut state = self.state.lock().unwrap();
        let at = state.seen.len();
        // What is closed, and when, is the client library's affair.
        if sql == "CLOSE" {
            return None;
        }
        state.seen.push(sql);
        state.armed.take_if(|(armed, _)| *armed == at).map(|(_, fault)| fault)
    }
}

/// A request that fails with an SQLSTATE; where it stands for a COMMIT, the transaction ends with it.
fn failing(state: &str, request: &[u8]) -> Vec<u8> {
    let commits = request[0] == b'Q' && request[5..].starts_with(b"COMMIT");
    let raise =
        format!("DO $$ BEGIN RAISE 'as the test wants it' USING ERRCODE = '{state}'; END $$");
    let sql = if commits { format!("ROLLBACK; {raise}") } else { raise };
    let mut message = vec![b'Q'];
    message.extend_from_slice(&(sql.len() as u32 + 5).to_be_bytes());
    message.extend_from_slice(sql.as_bytes());
    message.push(0);
    message
}

/// A message: its kind, its length, its body.
fn message(from: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut kind = [0];
    from.read_exact(&mut kind)?;
    packet(from, kind.to_vec())
}

/// What follows a message's kind.
fn packet(from: &mut TcpStream, mut message: Vec<u8>) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    message.extend_from_slice(&length);
    let start = message.len();
    message.resize(start + (u32::from_be_bytes(length) as usize).saturating_sub(4), 0);
    from.read_exact(&mut message[start..])?;
    Ok(message)
}
