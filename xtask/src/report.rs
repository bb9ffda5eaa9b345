//! What a person must not overlook, on standard error.

use std::io::IsTerminal;
use std::time::Duration;

/// A heading before a longer piece of work.
pub(crate) fn heading(text: &str) {
    eprintln!("{}", paint("1;36", &format!("── {text}")));
}

/// One line that says how something went.
pub(crate) fn line(text: &str) {
    eprintln!("   {text}");
}

/// A warning in a frame.
pub(crate) fn warning(title: &str, text: &str) {
    let lines: Vec<&str> = std::iter::once(title).chain(text.lines()).collect();
    let width = lines.iter().map(|l| l.chars().count()).max().unwrap_or(0);
    eprintln!("{}", paint("1;33", &format!("┏━{}━┓", "━".repeat(width))));
    for line in lines {
        let pad = " ".repeat(width - line.chars().count());
        eprintln!("{}", paint("1;33", &format!("┃ {line}{pad} ┃")));
    }
    eprintln!("{}", paint("1;33", &format!("┗━{}━┛", "━".repeat(width))));
}

/// The error that ends the program, with its causes.
pub(crate) fn error(error: &anyhow::Error) {
    eprintln!("{} {error:#}", paint("1;31", "error:"));
}

/// `ok` or `FAILED`.
pub(crate) fn verdict(ok: bool) -> String {
    if ok { paint("32", "ok") } else { paint("1;31", "FAILED") }
}

/// A time as a person says it.
pub(crate) fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        _ if seconds < 60.0 => format!("{seconds:.1} s"),
        _ => format!("{} min {:02} s", seconds as u64 / 60, seconds as u64 % 60),
    }
}

fn paint(code: &str, text: &str) -> String {
    if std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}
