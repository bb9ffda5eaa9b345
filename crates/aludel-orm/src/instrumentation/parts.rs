//! The attributes that a composite brings to a class, put together at compile time.

use super::{AttrDef, AttrKind, Composite, CompositeDef, CompositeField};

/// The length of the names of the parts with a prefix before each.
pub const fn names_len(prefix: &str, parts: &[AttrDef]) -> usize {
    let (mut len, mut at) = (0, 0);
    while at < parts.len() {
        len += prefix.len() + parts[at].name.len();
        at += 1;
    }
    len
}

/// The names of the parts with a prefix before each, one after the other.
pub const fn names<const N: usize>(prefix: &str, parts: &[AttrDef]) -> [u8; N] {
    let mut all = [0; N];
    let (mut end, mut at) = (0, 0);
    while at < parts.len() {
        let texts = [prefix.as_bytes(), parts[at].name.as_bytes()];
        let mut text = 0;
        while text < texts.len() {
            let mut byte = 0;
            while byte < texts[text].len() {
                all[end] = texts[text][byte];
                byte += 1;
                end += 1;
            }
            text += 1;
        }
        at += 1;
    }
    all
}

/// The parts of the composite that a field holds.
pub const fn parts_of<F: CompositeField>() -> &'static [AttrDef] {
    <F::Value as Composite>::PARTS
}

/// The attribute of a composite and those of its parts; `names` are the parts' names one after the other, as
/// [`names`] puts them together for this prefix.
///
/// # Panics
///
/// At compile time: when the names are not those of the parts.
pub const fn attributes<F: CompositeField, const N: usize>(
    name: &'static str,
    prefix: &str,
    names: &'static [u8],
    comparator: Option<crate::loading::Comparator>,
) -> [AttrDef; N] {
    let parts = parts_of::<F>();
    let mut all = [own::<F>(name, comparator); N];
    let (mut at, mut rest) = (0, names);
    while at < parts.len() {
        let (name, behind) = rest.split_at(prefix.len() + parts[at].name.len());
        rest = behind;
        let Ok(name) = std::str::from_utf8(name) else { panic!("the names are texts") };
        all[at + 1] = part_of::<F>(name, &parts[at]);
        at += 1;
    }
    all
}

/// The attribute of a composite and those of its parts, with the names that were given.
///
/// # Panics
///
/// At compile time: when there are more or fewer names than parts, or a part is a composite itself.
pub const fn attributes_named<F: CompositeField, const N: usize>(
    name: &'static str,
    names: &[&'static str],
    comparator: Option<crate::loading::Comparator>,
) -> [AttrDef; N] {
    let parts = parts_of::<F>();
    assert!(
        names.len() == parts.len(),
        "`columns(…)` needs a name for each field of the composite"
    );
    let mut all = [own::<F>(name, comparator); N];
    let mut at = 0;
    while at < parts.len() {
        assert!(
            matches!(parts[at].kind, AttrKind::Column(_)),
            "`columns(…)` names columns, and a field of the composite is a composite: use `prefix`"
        );
        all[at + 1] = part_of::<F>(names[at], &parts[at]);
        at += 1;
    }
    all
}

const fn own<F: CompositeField>(
    name: &'static str,
    comparator: Option<crate::loading::Comparator>,
) -> AttrDef {
    let parts = parts_of::<F>().len() as u16;
    AttrDef {
        name,
        kind: AttrKind::Composite(CompositeDef { parts, optional: F::OPTIONAL, comparator }),
    }
}

/// A part as an attribute of the class: what may be absent as a whole may be NULL.
const fn part_of<F: CompositeField>(name: &'static str, part: &AttrDef) -> AttrDef {
    let kind = match part.kind {
        AttrKind::Column(mut column) => {
            column.nullable |= F::OPTIONAL;
            AttrKind::Column(column)
        }
        other => other,
    };
    AttrDef { name, kind }
}

/// Lists of attributes, one after the other.
///
/// # Panics
///
/// At compile time: when they are not `N` together.
pub const fn concat_all<const N: usize>(lists: &[&[AttrDef]]) -> [AttrDef; N] {
    let mut all = [*first(lists); N];
    let (mut end, mut list) = (0, 0);
    while list < lists.len() {
        let mut at = 0;
        while at < lists[list].len() {
            all[end] = lists[list][at];
            at += 1;
            end += 1;
        }
        list += 1;
    }
    assert!(end == N, "the attributes were counted");
    all
}

const fn first<'a>(lists: &'a [&'a [AttrDef]]) -> &'a AttrDef {
    let mut list = 0;
    while lists[list].is_empty() {
        list += 1;
    }
    &lists[list][0]
}
