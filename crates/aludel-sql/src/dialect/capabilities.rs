//! What a database, of a version, can do.

/// How NULL is compared as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NullSafe {
    /// `IS DISTINCT FROM`.
    IsDistinctFrom,
    /// `IS` and `IS NOT` between any two operands.
    Is,
    /// `<=>`.
    Spaceship,
}

/// What an INSERT may do where the row is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Conflict {
    /// `ON CONFLICT (…) DO …`.
    OnConflict,
    /// `ON DUPLICATE KEY UPDATE`, whatever the key.
    OnDuplicateKey,
}

/// What a server can do. Asked wherever databases differ, so that it is said in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// The server is MariaDB.
    pub mariadb: bool,
    /// `INSERT … RETURNING`.
    pub insert_returning: bool,
    /// `UPDATE … RETURNING`.
    pub update_returning: bool,
    /// `RETURNING` gives what triggers have made of the row. SQLite has none that run before.
    pub returning_sees_triggers: bool,
    /// `DELETE … RETURNING`.
    pub delete_returning: bool,
    /// The most parameters that one statement may have.
    pub max_params: usize,
    /// Savepoints.
    pub savepoints: bool,
    /// `FULL OUTER JOIN`.
    pub full_join: bool,
    /// Foreign keys can be added to a table by `ALTER TABLE`.
    pub alter_add_foreign_key: bool,
    /// Foreign keys can be deferred.
    pub deferrable: bool,
    /// `ILIKE`.
    pub ilike: bool,
    /// How NULL is compared as a value.
    pub null_safe: NullSafe,
    /// `NULLS FIRST` and `NULLS LAST`.
    pub nulls_ordering: bool,
    /// `FILTER (WHERE …)` behind an aggregate.
    pub aggregate_filter: bool,
    /// `INSERT … DEFAULT VALUES`; where not, `() VALUES ()`.
    pub default_values: bool,
    /// What an INSERT may do on conflict.
    pub conflict: Conflict,
    /// `UPDATE … FROM`; where not, other tables stand in the list behind UPDATE.
    pub update_from: bool,
    /// `DISTINCT ON`.
    pub distinct_on: bool,
    /// `FOR UPDATE`; where not, it is left out, since the database locks as a whole.
    pub for_update: bool,
    /// `FOR UPDATE … NOWAIT`.
    pub nowait: bool,
    /// `FOR UPDATE … SKIP LOCKED`.
    pub skip_locked: bool,
    /// `FOR UPDATE OF`.
    pub for_update_of: bool,
    /// `FOR SHARE`; where not, `LOCK IN SHARE MODE`.
    pub for_share: bool,
    /// `LATERAL` in FROM.
    pub lateral: bool,
    /// `EXCEPT` and `INTERSECT`.
    pub except_intersect: bool,
    /// `EXCEPT ALL` and `INTERSECT ALL`.
    pub except_all: bool,
    /// Members of a set operation may stand in brackets.
    pub nested_sets: bool,
    /// `IF NOT EXISTS` when an index is made.
    pub index_if_not_exists: bool,
    /// Indexes of some of the rows.
    pub partial_indexes: bool,
    /// Columns that are computed when they are read.
    pub computed_virtual: bool,
    /// A boolean is a type of its own.
    pub native_boolean: bool,
    /// DDL can be rolled back.
    pub transactional_ddl: bool,
    /// Arrays as parameters, and `unnest`.
    pub arrays: bool,
}

impl Capabilities {
    pub(crate) fn sqlite() -> Self {
        Self {
            mariadb: false,
            insert_returning: true,
            update_returning: true,
            returning_sees_triggers: false,
            delete_returning: true,
            max_params: 32_766,
            savepoints: true,
            full_join: true,
            alter_add_foreign_key: false,
            deferrable: true,
            ilike: false,
            null_safe: NullSafe::Is,
            nulls_ordering: true,
            aggregate_filter: true,
            default_values: true,
            conflict: Conflict::OnConflict,
            update_from: true,
            distinct_on: false,
            for_update: false,
            nowait: false,
            skip_locked: false,
            for_update_of: false,
            for_share: false,
            lateral: false,
            except_intersect: true,
            except_all: false,
            nested_sets: false,
            index_if_not_exists: true,
            partial_indexes: true,
            computed_virtual: true,
            native_boolean: false,
            transactional_ddl: true,
            arrays: false,
        }
    }

    pub(crate) fn postgres() -> Self {
        Self {
            max_params: 65_535,
            returning_sees_triggers: true,
            alter_add_foreign_key: true,
            ilike: true,
            null_safe: NullSafe::IsDistinctFrom,
            distinct_on: true,
            for_update: true,
            nowait: true,
            skip_locked: true,
            for_update_of: true,
            for_share: true,
            lateral: true,
            except_all: true,
            nested_sets: true,
            computed_virtual: false,
            native_boolean: true,
            arrays: true,
            ..Self::sqlite()
        }
    }

    pub(crate) fn mysql() -> Self {
        Self {
            insert_returning: false,
            update_returning: false,
            delete_returning: false,
            max_params: 65_535,
            full_join: false,
            alter_add_foreign_key: true,
            deferrable: false,
            null_safe: NullSafe::Spaceship,
            nulls_ordering: false,
            aggregate_filter: false,
            default_values: false,
            conflict: Conflict::OnDuplicateKey,
            update_from: false,
            for_update: true,
            nowait: true,
            skip_locked: true,
            for_update_of: true,
            for_share: true,
            lateral: true,
            except_all: true,
            nested_sets: true,
            index_if_not_exists: false,
            partial_indexes: false,
            transactional_ddl: false,
            ..Self::sqlite()
        }
    }

    pub(crate) fn mariadb() -> Self {
        Self {
            mariadb: true,
            insert_returning: true,
            delete_returning: true,
            for_update_of: false,
            for_share: false,
            lateral: false,
            index_if_not_exists: true,
            ..Self::mysql()
        }
    }
}
