//! Values of types that have no counterpart here, as the texts that PostgreSQL reads them from: arrays, ranges, intervals,
//! addresses of networks. What was read so can be written so.

use std::fmt::Write as _;
use std::sync::OnceLock;

use tokio_postgres::types::{Kind, Type};

use super::encode::{as_text, base};
use super::row::decode;

/// Texts that a row was asked for, each for as long as the row is there.
#[derive(Default)]
pub(super) struct Texts(OnceLock<Box<(String, Texts)>>);

impl Texts {
    pub(super) fn keep(&self, text: String) -> &str {
        let mut last = self;
        while let Some(kept) = last.0.get() {
            last = &kept.1;
        }
        &last.0.get_or_init(|| Box::new((text, Self::default()))).0
    }
}

/// The text of a value; none of a type that is not known here, or where the value is not one of the type.
pub(super) fn text_of(ty: &Type, raw: &[u8]) -> Option<String> {
    let ty = base(ty);
    let mut read = Reader(raw);
    match ty.kind() {
        Kind::Array(element) => return array(element, &mut read),
        Kind::Range(of) => return range(of, &mut read),
        _ => {}
    }
    Some(match *ty {
        Type::FLOAT4 => f32::from_bits(read.number()?).to_string(),
        Type::INTERVAL => interval(read.number()?, read.number()?, read.number()?)?,
        Type::INET | Type::CIDR => address(&mut read)?,
        Type::MACADDR | Type::MACADDR8 => {
            raw.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
        }
        Type::BIT | Type::VARBIT => {
            let count = usize::try_from(read.number::<4, i32>()?).ok()?;
            let bit = |at: usize| {
                Some(if read.0.get(at / 8)? >> (7 - at % 8) & 1 == 1 { '1' } else { '0' })
            };
            (0..count).map(bit).collect::<Option<String>>()?
        }
        Type::TIMETZ => {
            let (micros, west) = (read.number::<8, i64>()?, read.number::<4, i32>()?);
            let zone = clock(-i64::from(west) * 1_000_000, true);
            clock(micros, false) + &zone
        }
        Type::CHAR => raw.iter().map(|byte| char::from(*byte)).collect(),
        Type::POINT => {
            let (x, y) = (f64::from_bits(read.number()?), f64::from_bits(read.number()?));
            format!("({x},{y})")
        }
        Type::TS_VECTOR => words(&mut read)?,
        _ => match ty.name() {
            "ltree" | "lquery" | "jsonpath" => std::str::from_utf8(raw.get(1..)?).ok()?.to_owned(),
            "hstore" => pairs(&mut read)?,
            _ => as_text(decode(ty, raw).ok()?).into_owned(),
        },
    })
}

/// What is left to be read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(bytes)
    }

    fn number<const N: usize, T: Number<N>>(&mut self) -> Option<T> {
        Some(T::of(self.bytes(N)?.try_into().ok()?))
    }

    /// A value with its length before it: what is NULL is none.
    fn value(&mut self) -> Option<Option<&'a [u8]>> {
        match self.number::<4, i32>()? {
            -1 => Some(None),
            length => Some(Some(self.bytes(usize::try_from(length).ok()?)?)),
        }
    }
}

trait Number<const N: usize> {
    fn of(bytes: [u8; N]) -> Self;
}

macro_rules! numbers {
    ($($ty:ty: $size:literal),*) => {
        $(impl Number<$size> for $ty {
            fn of(bytes: [u8; $size]) -> Self {
                Self::from_be_bytes(bytes)
            }
        })*
    };
}

numbers!(u8: 1, u16: 2, i32: 4, u32: 4, i64: 8, u64: 8);

fn array(element: &Type, read: &mut Reader<'_>) -> Option<String> {
    let count = usize::try_from(read.number::<4, i32>()?).ok()?;
    let (_nulls, _oid): (i32, u32) = (read.number()?, read.number()?);
    let mut sizes = Vec::new();
    let mut bounds = String::new();
    for _ in 0..count {
        let (size, first): (i32, i32) = (read.number()?, read.number()?);
        let _ = write!(bounds, "[{first}:{}]", i64::from(first) + i64::from(size) - 1);
        sizes.push((usize::try_from(size).ok()?, first));
    }
    let mut out = match sizes.iter().all(|(_, first)| *first == 1) {
        true => String::new(),
        false => bounds + "=",
    };
    if sizes.is_empty() {
        out.push_str("{}");
    }
    let all: usize = sizes.iter().map(|(size, _)| size).product();
    for at in (0..all).filter(|_| !sizes.is_empty()) {
        // Brackets open before the first of a row, and close behind the last.
        let (mut rows, mut opens, mut closes) = (1, 0, 0);
        for (size, _) in sizes.iter().rev() {
            rows *= size;
            opens += usize::from(at % rows == 0);
            closes += usize::from((at + 1) % rows == 0);
        }
        out.push_str(if at > 0 { "," } else { "" });
        out.push_str(&"{".repeat(opens));
        match read.value()? {
            None => out.push_str("NULL"),
            Some(raw) => quote(&mut out, &text_of(element, raw)?, |c| "{},".contains(c)),
        }
        out.push_str(&"}".repeat(closes));
    }
    Some(out)
}

/// Puts a text in quotes where it would be taken for something else.
fn quote(out: &mut String, text: &str, special: impl Fn(char) -> bool) {
    let plain = |c: char| !special(c) && !c.is_whitespace() && !matches!(c, '"' | '\\');
    if !text.is_empty() && text.chars().all(plain) && !text.eq_ignore_ascii_case("null") {
        out.push_str(text);
        return;
    }
    out.push('"');
    for c in text.chars() {
        out.push_str(if matches!(c, '"' | '\\') { "\\" } else { "" });
        out.push(c);
    }
    out.push('"');
}

fn range(of: &Type, read: &mut Reader<'_>) -> Option<String> {
    let flags: u8 = read.number()?;
    let has = |flag: u8| flags & flag != 0;
    if has(1) {
        return Some("empty".to_owned());
    }
    let mut out = String::from(if has(2) { "[" } else { "(" });
    for (unbounded, behind) in [(8, ","), (16, if has(4) { "]" } else { ")" })] {
        if !has(unbounded) {
            quote(&mut out, &text_of(of, read.value()??)?, |c| "()[],".contains(c));
        }
        out.push_str(behind);
    }
    Some(out)
}

/// `1 year 2 mons -3 days +04:05:06.5`
fn interval(micros: i64, days: i32, months: i32) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut below = false;
    for (count, unit) in [(months / 12, "year"), (months % 12, "mon"), (days, "day")] {
        if count != 0 {
            let sign = if below && count > 0 { "+" } else { "" };
            let many = if count == 1 { "" } else { "s" };
            parts.push(format!("{sign}{count} {unit}{many}"));
            below |= count < 0;
        }
    }
    if micros != 0 || parts.is_empty() {
        parts.push(clock(micros, below));
    }
    Some(parts.join(" "))
}

/// `-01:02:03.5`
fn clock(micros: i64, signed: bool) -> String {
    let (seconds, rest) = (micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000);
    let sign = match micros < 0 {
        true => "-",
        false if signed => "+",
        false => "",
    };
    let mut out =
        format!("{sign}{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if rest > 0 {
        let _ = write!(out, ".{rest:06}");
        out.truncate(out.trim_end_matches('0').len());
    }
    out
}

fn address(read: &mut Reader<'_>) -> Option<String> {
    let (family, bits, whole, length): (u8, u8, u8, u8) =
        (read.number()?, read.number()?, read.number()?, read.number()?);
    let bytes = read.bytes(length.into())?;
    let (text, all) = match family {
        2 => (std::net::Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).to_string(), 32),
        _ => (std::net::Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_string(), 128),
    };
    Some(if whole == 0 && bits == all { text } else { format!("{text}/{bits}") })
}

/// `'cat':3A 'rat':5`
fn words(read: &mut Reader<'_>) -> Option<String> {
    let mut words = Vec::new();
    for _ in 0..read.number::<4, i32>()? {
        let length = read.0.iter().position(|byte| *byte == 0)?;
        let word = std::str::from_utf8(read.bytes(length)?).ok()?;
        read.bytes(1)?;
        let mut out = format!("'{}'", word.replace('\\', "\\\\").replace('\'', "''"));
        for at in 0..read.number::<2, u16>()? {
            let place: u16 = read.number()?;
            let weight = ["", "C", "B", "A"][usize::from(place >> 14)];
            let _ = write!(out, "{}{}{weight}", if at == 0 { ":" } else { "," }, place & 0x3fff);
        }
        words.push(out);
    }
    Some(words.join(" "))
}

/// `"key"=>"value", "none"=>NULL`
fn pairs(read: &mut Reader<'_>) -> Option<String> {
    let mut pairs = Vec::new();
    for _ in 0..read.number::<4, i32>()? {
        let mut out = String::new();
        quote(&mut out, std::str::from_utf8(read.value()??).ok()?, |_| true);
        out.push_str("=>");
        match read.value()? {
            None => out.push_str("NULL"),
            Some(raw) => quote(&mut out, std::str::from_utf8(raw).ok()?, |_| true),
        }
        pairs.push(out);
    }
    Some(pairs.join(", "))
}
