//! The names of types and tables.

use aludel_sql::{DataType, Error, ErrorKind, did_you_mean};

/// There is no table of a name.
pub(super) fn no_table(name: &str, there: &[String]) -> Error {
    let near = did_you_mean(name, there.iter().map(String::as_str));
    Error::new(ErrorKind::Argument, format!("the database has no table `{name}`{near}"))
}

/// A type's name without its size, and the size: `numeric(10, 2)` is `numeric` with 10 and 2.
pub(super) fn sized(name: &str) -> (String, Vec<u32>) {
    let lower = name.trim().to_ascii_lowercase();
    let Some((before, rest)) = lower.split_once('(') else { return (lower, Vec::new()) };
    let (inside, after) = rest.split_once(')').unwrap_or((rest, ""));
    let numbers = inside.split(',').filter_map(|n| n.trim().parse().ok()).collect();
    (format!("{}{after}", before.trim_end()), numbers)
}

/// A decimal with its digits.
pub(super) fn numeric(size: &[u32]) -> DataType {
    let digits = |n: u32| u16::try_from(n).ok();
    DataType::Numeric(match size {
        [precision] => digits(*precision).map(|p| (p, 0)),
        [precision, scale] => digits(*precision).zip(digits(*scale)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_taken_from_names() {
        assert_eq!(sized("NUMERIC(10, 2)"), ("numeric".to_owned(), vec![10, 2]));
        assert_eq!(sized("character varying(20)"), ("character varying".to_owned(), vec![20]));
        let (name, size) = sized("timestamp(3) with time zone");
        assert_eq!((name.as_str(), size), ("timestamp with time zone", vec![3]));
        assert_eq!(numeric(&[10, 2]), DataType::Numeric(Some((10, 2))));
        assert_eq!(numeric(&[]), DataType::Numeric(None));
    }
}
