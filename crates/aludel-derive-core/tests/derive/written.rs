//! What the derives write, as source text under `snapshots/`.

use crate::common::{column_enum, mapped};

#[test]
fn a_class_with_columns_and_relationships() {
    insta::assert_snapshot!(mapped(
        r#"
        #[mapped(table = "user_account", unique(name, fullname), index("name"), check = "length(name) > 0")]
        pub struct User {
            #[column(primary_key)]
            id: Auto<i64>,
            /// What the user is called.
            pub name: String,
            #[column(name = "full_name", default = "nobody")]
            pub(crate) fullname: Option<String>,
            #[relationship(back_populates = "user", cascade = "all,delete-orphan", order_by = ["-email", "id"])]
            addresses: Many<Address>,
            #[relationship(foreign_keys = boss_id, remote_side = id, post_update)]
            boss: One<User>,
            #[mapped(skip)]
            cache: HashMap<String, String>,
        }
        "#
    ));
}

#[test]
fn a_class_with_every_kind_of_column() {
    insta::assert_snapshot!(mapped(
        r#"
        #[mapped(table = "document", schema = "archive", configure = Self::configure, version = revision)]
        #[mapped(eager_defaults = "never", batch = false, confirm_deleted_rows = false, allow_partial_pks = false)]
        struct Document {
            #[column(primary_key, type = DataType::Text(Some(20)))]
            r#type: String,
            #[column(foreign_key = "folder.id", on_delete = "SET NULL", on_update = "cascade", deferrable, use_alter)]
            folder_id: Option<i64>,
            #[column(unique, index, server_default = "now()", active_history, nullable = false)]
            stamp: Option<Timestamp>,
            #[column(default = Uuid::new_v4(), onupdate = Self::now())]
            key: Uuid,
            body: Deferred<String>,
            #[column(deferred, group = "big", computed = "upper(body)")]
            text: String,
            #[expression(Self::price * Self::quantity, deferred)]
            #[mapped(attr = "total_")]
            total: Option<f64>,
            #[column(server_generated, server_onupdate)]
            revision: i32,
        }
        "#
    ));
}

#[test]
fn a_subclass() {
    insta::assert_snapshot!(mapped(
        r#"
        #[mapped(table = "manager", polymorphic_identity = "manager", subclasses(Boss, staff::Chief))]
        #[mapped(foreign_key(columns(area, zone), references = "region(area, zone)", on_delete = "cascade"))]
        pub(crate) struct Manager {
            #[mapped(base)]
            employee: Employee,
            area: i32,
            zone: i32,
            #[relationship(key = "name")]
            reports: ManyMap<String, Employee>,
        }
        "#
    ));
}

#[test]
fn synonyms_of_a_base() {
    insta::assert_snapshot!(mapped(
        r#"
        #[mapped(table = "manager", synonym(chief: String = name, top: i64 = a::Base::number))]
        struct Manager {
            #[mapped(base)]
            employee: Employee,
        }
        "#
    ));
}

#[test]
fn the_base_of_a_hierarchy_under_another_path() {
    insta::assert_snapshot!(mapped(
        r#"
        #[mapped(table = "employee", polymorphic_on = "kind", polymorphic_identity = 1, crate = crate::orm)]
        struct Employee {
            #[column(primary_key)]
            id: i64,
            kind: i32,
        }
        "#
    ));
}

#[test]
fn an_enum_as_text() {
    insta::assert_snapshot!(column_enum(
        r#"
        #[column_enum(length = 20)]
        enum Status { Draft, InProgress, #[column_enum(rename = "end")] Done }
        "#
    ));
}

#[test]
fn an_enum_as_an_integer() {
    insta::assert_snapshot!(column_enum(
        "#[column_enum(integer)] #[repr(u8)] enum Level { Low = 1, High = 5 }"
    ));
}

#[test]
fn the_enum_of_a_hierarchy() {
    insta::assert_snapshot!(mapped(
        r#"
        #[mapped(table = "shapes", polymorphic_on = kind, polymorphic_abstract, with_polymorphic = "*")]
        #[mapped(subclasses(Circle, polygons::Square), narrow = AnyShape)]
        #[mapped(reconstructor = Self::set_up, view, configure = configure)]
        pub struct Shape {
            #[column(primary_key)]
            id: i64,
            kind: String,
            #[mapped(skip)]
            area: f64,
        }
        "#
    ));
}
