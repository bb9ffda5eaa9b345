//! Collections of other kinds: positioned, keyed, sets.

use aludel::prelude::*;

/// A collection that keeps each entry's position equal to its index, and deletes left to ON DELETE CASCADE.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "playlists")]
pub struct Playlist {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub name: Option<String>,
    #[relationship(
        back_populates = "playlist",
        cascade = "all, delete-orphan",
        passive_deletes,
        order_by = "position",
        position = "position"
    )]
    pub entries: Many<Entry>,
}

/// Positioned child of a playlist.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "entries")]
pub struct Entry {
    #[column(primary_key)]
    pub id: Auto<i64>,
    #[column(foreign_key = "playlists.id", on_delete = "cascade")]
    pub playlist_id: Option<i64>,
    pub position: Option<i64>,
    pub title: Option<String>,
    #[relationship(back_populates = "entries")]
    pub playlist: One<Playlist>,
}

/// A keyed collection (`notes`, by `key`) and a set (`readers`).
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "reports")]
pub struct Report {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub title: Option<String>,
    #[relationship(
        back_populates = "report",
        cascade = "all, delete-orphan",
        key = "key",
        order_by = "id"
    )]
    pub notes: ManyMap<String, Note>,
    #[relationship(back_populates = "report", order_by = "id")]
    pub readers: ManySet<Reader>,
}

/// Member of a keyed collection.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "notes")]
pub struct Note {
    #[column(primary_key)]
    pub id: Auto<i64>,
    #[column(foreign_key = "reports.id")]
    pub report_id: Option<i64>,
    #[column(nullable = false)]
    pub key: Option<String>,
    pub text: Option<String>,
    #[relationship(back_populates = "notes")]
    pub report: One<Report>,
}

/// Member of a set; the foreign key is cleared on removal.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "readers")]
pub struct Reader {
    #[column(primary_key)]
    pub id: Auto<i64>,
    #[column(foreign_key = "reports.id")]
    pub report_id: Option<i64>,
    pub name: Option<String>,
    #[relationship(back_populates = "readers")]
    pub report: One<Report>,
}
