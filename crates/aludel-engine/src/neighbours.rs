//! Keys that follow each other: the rows between the first and the last one are the same rows.

use aludel_sql::{Bind, ValueRef};

/// How many of the keys, from the first on, are whole numbers that follow each other.
pub(crate) fn neighbours(keys: &[Bind<'_>]) -> usize {
    let Some(Bind::Ref(ValueRef::I64(first))) = keys.first() else { return 0 };
    let follows = |(key, n): &(&Bind<'_>, i64)| {
        let next = first.checked_add(*n);
        matches!(key, Bind::Ref(ValueRef::I64(key)) if next == Some(*key))
    };
    keys.iter().zip(0..).take_while(follows).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_whole_numbers_in_a_row() {
        let number = |n: i64| Bind::Ref(ValueRef::I64(n));
        assert_eq!(neighbours(&[]), 0);
        assert_eq!(neighbours(&[number(3), number(4), number(5), number(7)]), 3);
        assert_eq!(neighbours(&[number(3), number(3)]), 1);
        assert_eq!(neighbours(&[Bind::Ref(ValueRef::Text("3"))]), 0);
        assert_eq!(neighbours(&[number(i64::MAX), number(i64::MIN)]), 1);
    }
}
