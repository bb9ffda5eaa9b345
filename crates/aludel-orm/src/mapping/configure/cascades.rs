//! The cascades of a relationship, from their text.

use aludel_sql::did_you_mean;

use crate::mapping::Cascades;

const KNOWN: [&str; 8] =
    ["save-update", "merge", "refresh-expire", "expunge", "delete", "delete-orphan", "all", "none"];

/// The cascades of a text such as `all, delete-orphan`; of no text, the default ones. A relationship that
/// is only read has none.
pub(super) fn parse(text: Option<&str>, viewonly: bool) -> Result<Cascades, String> {
    let Some(text) = text else {
        return Ok(Cascades { save_update: !viewonly, merge: !viewonly, ..Cascades::default() });
    };
    let mut cascades = Cascades::default();
    for word in text.split([',', ' ']).filter(|word| !word.is_empty()) {
        match word.replace('_', "-").as_str() {
            "save-update" => cascades.save_update = true,
            "merge" => cascades.merge = true,
            "refresh-expire" => cascades.refresh_expire = true,
            "expunge" => cascades.expunge = true,
            "delete" => cascades.delete = true,
            "delete-orphan" => cascades.delete_orphan = true,
            "all" => {
                cascades = Cascades {
                    save_update: true,
                    merge: true,
                    refresh_expire: true,
                    expunge: true,
                    delete: true,
                    delete_orphan: cascades.delete_orphan,
                };
            }
            "none" => {}
            other => {
                let near = did_you_mean(other, KNOWN);
                let known = KNOWN.join(", ");
                return Err(match near.is_empty() {
                    true => format!("there is no cascade `{other}`; there are {known}"),
                    false => format!("there is no cascade `{other}`{near}"),
                });
            }
        }
    }
    let writes = [
        (cascades.save_update, "save-update"),
        (cascades.merge, "merge"),
        (cascades.delete, "delete"),
        (cascades.delete_orphan, "delete-orphan"),
    ];
    let writes: Vec<&str> =
        writes.into_iter().filter(|(on, _)| *on).map(|(_, name)| name).collect();
    if viewonly && !writes.is_empty() {
        let writes = writes.join(", ");
        return Err(format!("it is viewonly, so it cannot cascade {writes}; leave `cascade` out"));
    }
    Ok(cascades)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn all_is_all_but_delete_orphan() {
        let all = parse(Some("all"), false).unwrap();
        assert!(all.save_update && all.merge && all.refresh_expire && all.expunge && all.delete);
        assert!(!all.delete_orphan);
        assert!(parse(Some("all, delete-orphan"), false).unwrap().delete_orphan);
        assert!(parse(Some("delete-orphan, all"), false).unwrap().delete_orphan);
    }

    #[test]
    fn default_and_none() {
        let default = parse(None, false).unwrap();
        assert!(default.save_update && default.merge && !default.delete);
        assert_eq!(parse(None, true).unwrap(), parse(Some("none"), false).unwrap());
    }

    #[test]
    fn mistakes() {
        let wrong = parse(Some("all, delete-orphans"), false).unwrap_err();
        assert_eq!(wrong, "there is no cascade `delete-orphans`; did you mean `delete-orphan`?");
        let wrong = parse(Some("all"), true).unwrap_err();
        assert!(wrong.contains("it is viewonly"), "{wrong}");
    }
}
