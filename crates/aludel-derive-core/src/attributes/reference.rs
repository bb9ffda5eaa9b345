//! The texts that describe a foreign key.

use syn::LitStr;

use crate::errors::Errors;
use crate::names;
use crate::options::Opt;

const ACTIONS: &[&str] = &["cascade", "set null", "set default", "restrict", "no action"];

/// `on_delete = "…"`, `on_update = "…"`: what the database does, in lower case.
pub(crate) fn action(option: &Opt, errors: &mut Errors) -> Option<LitStr> {
    let text = option.text(errors)?;
    let word = text.value().trim().to_lowercase().replace('_', " ");
    if ACTIONS.contains(&word.as_str()) {
        return Some(LitStr::new(&word, text.span()));
    }
    let suggestion = names::suggestion(&word, ACTIONS);
    errors.at(&text, format!("the database has no action `{}`{suggestion}", text.value()));
    None
}

/// `foreign_key = "table.column"` or `"schema.table.column"`.
pub(crate) fn column(option: &Opt, errors: &mut Errors) -> Option<LitStr> {
    let text = option.text(errors)?;
    let value = text.value();
    let parts: Vec<_> = value.split('.').collect();
    if !matches!(parts.len(), 2 | 3) || parts.iter().any(|part| !is_name(part)) {
        errors.at(
            &text,
            format!("a foreign key names a column of a table: write `\"{}\"`", as_column(&value)),
        );
        return None;
    }
    Some(text)
}

/// What was probably meant by a text that is no `table.column`.
fn as_column(value: &str) -> String {
    match value.split_once('(') {
        Some((table, column)) => {
            format!("{}.{}", table.trim(), column.trim_end_matches(')').trim())
        }
        None => match value.trim().trim_matches('.') {
            "" => "table.column".to_owned(),
            table => format!("{}.id", table.replace("::", ".").split('.').next().unwrap_or(table)),
        },
    }
}

/// `references = "table(a, b)"`: as `table.a` and `table.b`.
pub(crate) fn columns(option: &Opt, errors: &mut Errors) -> Option<(LitStr, Vec<String>)> {
    let text = option.text(errors)?;
    let value = text.value();
    let parsed = value.trim().strip_suffix(')').and_then(|value| value.split_once('('));
    let columns = parsed.map(|(table, columns)| {
        let table = table.trim();
        columns.split(',').map(|column| (table, column.trim())).collect::<Vec<_>>()
    });
    match columns {
        Some(columns) if columns.iter().all(|(t, c)| t.split('.').all(is_name) && is_name(c)) => {
            Some((text, columns.into_iter().map(|(t, c)| format!("{t}.{c}")).collect()))
        }
        _ => {
            errors.at(&text, "write the columns referred to as `\"table(first, second)\"`");
            None
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.trim() == text && !text.contains(['(', ')', ',', ':'])
}
