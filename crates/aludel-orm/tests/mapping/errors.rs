//! What is said of mistakes: class, attribute, what is wrong, and what to write instead.

use aludel_orm::{ClassDef, ColumnDef, ConstraintDef, Registry, RelationshipDef};
use aludel_sql::DataType;

use crate::class;
use crate::class::*;

#[track_caller]
fn says(class: fn() -> &'static ClassDef, expected: &str) {
    assert_eq!(refused(&Registry::new(), class), expected);
}

mod missing_key {
    use super::*;
    class!(NoKey, "nothings", [column("id", INT), text("name")]);
    class!(NoTable, "", [id()]);

    #[test]
    fn no_primary_key_or_table() {
        says(
            NoKey,
            "class `NoKey`: it has no primary key: add `#[column(primary_key)]` to the field `id`",
        );
        says(
            NoTable,
            "class `NoTable`: it has no table: write `#[mapped(table = \"…\")]`, or map it by hand with \
             `registry.map::<…>()` before it is used",
        );
    }
}

mod no_path {
    use super::*;
    class!(User, "users", [id(), relationship("addresses", many(Address))]);
    class!(Address, "addresses", [id(), relationship("user", one(User))]);

    #[test]
    fn no_foreign_key_and_all_errors_together() {
        says(
            User,
            "the mapping has 2 errors:\n\
             class `User`, attribute `addresses`: there is no foreign key between table `users` and table \
             `addresses`; add `#[column(foreign_key = \"users.id\")]` to a field of `Address`, or name an \
             association table by `secondary = \"…\"`, or a condition by `primaryjoin = …`\n\
             class `Address`, attribute `user`: there is no foreign key between table `addresses` and table \
             `users`; add `#[column(foreign_key = \"users.id\")]` to a field of `Address`, or name an \
             association table by `secondary = \"…\"`, or a condition by `primaryjoin = …`",
        );
    }
}

mod several_paths {
    use super::*;
    class!(User, "users", [id()]);
    class!(
        Order,
        "orders",
        [
            id(),
            foreign_key("buyer_id", "users.id"),
            foreign_key("seller_id", "users.id"),
            relationship("buyer", one(User)),
        ]
    );

    #[test]
    fn several_foreign_keys() {
        says(
            Order,
            "class `Order`, attribute `buyer`: there are several foreign keys between `Order` and `User`: \
             `orders.buyer_id -> users.id`, `orders.seller_id -> users.id`; say which one, such as \
             `foreign_keys = \"orders.buyer_id\"`",
        );
    }
}

mod wrong_foreign_keys {
    use super::*;
    class!(User, "users", [id()]);
    class!(
        Order,
        "orders",
        [
            id(),
            text("note"),
            foreign_key("buyer_id", "users.id"),
            relationship("a", RelationshipDef { foreign_keys: &["byer_id"], ..one(User) }),
            relationship("b", RelationshipDef { foreign_keys: &["note"], ..one(User) }),
            relationship("c", RelationshipDef { foreign_keys: &["ordrs.buyer_id"], ..one(User) }),
            relationship("d", many(User)),
        ]
    );

    #[test]
    fn foreign_keys_that_are_none() {
        says(
            Order,
            "the mapping has 4 errors:\n\
             class `Order`, attribute `a`: there is no column `byer_id` in `Order`, `User`; did you mean \
             `buyer_id`?\n\
             class `Order`, attribute `b`: `note` is no foreign key between `Order` and `User`; there is \
             `orders.buyer_id -> users.id`\n\
             class `Order`, attribute `c`: `ordrs.buyer_id`: there is no table `ordrs`; did you mean \
             `orders`?\n\
             class `Order`, attribute `d`: it is a collection, but `orders.buyer_id -> users.id` makes each \
             `Order` refer to one object: use `One<…>`, or put the foreign key on the other class",
        );
    }
}

mod other_sides {
    use super::*;
    class!(
        User,
        "users",
        [
            id(),
            relationship(
                "misspelt",
                RelationshipDef { back_populates: Some("usr"), ..many(Address) }
            ),
            relationship(
                "unanswered",
                RelationshipDef { back_populates: Some("alone"), ..many(Address) }
            ),
            relationship(
                "jilted",
                RelationshipDef { back_populates: Some("user"), ..many(Address) }
            ),
            relationship(
                "column",
                RelationshipDef { back_populates: Some("email"), ..many(Address) }
            ),
            relationship(
                "addresses",
                RelationshipDef { back_populates: Some("user"), ..many(Address) }
            ),
        ]
    );
    class!(
        Address,
        "addresses",
        [
            id(),
            text("email"),
            foreign_key("user_id", "users.id"),
            relationship(
                "user",
                RelationshipDef { back_populates: Some("addresses"), ..one(User) }
            ),
            relationship("alone", one(User)),
        ]
    );

    #[test]
    fn other_sides_that_do_not_answer() {
        says(
            User,
            "the mapping has 4 errors:\n\
             class `User`, attribute `misspelt`: its back_populates `usr` is not an attribute of `Address`; \
             did you mean `user`?\n\
             class `User`, attribute `unanswered`: its back_populates `Address.alone` does not answer: write \
             `back_populates = \"unanswered\"` there\n\
             class `User`, attribute `jilted`: its back_populates `Address.user` says \
             `back_populates = \"addresses\"`; both must name each other: write \
             `back_populates = \"jilted\"` there\n\
             class `User`, attribute `column`: its back_populates `Address.email` is not a relationship",
        );
    }
}

mod same_direction {
    use super::*;
    class!(
        Node,
        "nodes",
        [
            id(),
            foreign_key("parent_id", "nodes.id"),
            relationship("child", RelationshipDef { back_populates: Some("parent"), ..one(Node) }),
            relationship("parent", RelationshipDef { back_populates: Some("child"), ..one(Node) }),
        ]
    );

    #[test]
    fn both_sides_in_one_direction() {
        let said = refused(&Registry::new(), Node);
        let first = said.lines().nth(1).unwrap();
        assert_eq!(
            first,
            "class `Node`, attribute `child`: `Node.child` and its other side `Node.parent` are both \
             many-to-one: one of them must be on the side of the foreign key; between objects of one class, \
             say `remote_side`"
        );
    }
}

mod names_of_the_target {
    use super::*;
    use aludel_orm::Collection;
    class!(
        User,
        "users",
        [
            id(),
            relationship("a", RelationshipDef { order_by: &["-emial"], ..many(Address) }),
            relationship(
                "b",
                RelationshipDef { collection: Some(Collection::Keyed("kind")), ..many(Address) }
            ),
            relationship("c", RelationshipDef { position: Some("user"), ..many(Address) }),
            relationship(
                "d",
                RelationshipDef { cascade: Some("all, delete-orphn"), ..many(Address) }
            ),
        ]
    );
    class!(
        Address,
        "addresses",
        [
            id(),
            text("email"),
            foreign_key("user_id", "users.id"),
            relationship(
                "user",
                RelationshipDef { cascade: Some("all, delete-orphan"), ..one(User) }
            ),
        ]
    );

    #[test]
    fn options_that_name_what_is_not_there() {
        says(
            User,
            "the mapping has 5 errors:\n\
             class `User`, attribute `a`: its order_by `emial` is not an attribute of `Address`; did you \
             mean `email`?\n\
             class `User`, attribute `b`: its key `kind` is not an attribute of `Address`\n\
             class `User`, attribute `c`: its position `user` is an attribute of `Address` that holds no \
             column\n\
             class `User`, attribute `d`: there is no cascade `delete-orphn`; did you mean \
             `delete-orphan`?\n\
             class `Address`, attribute `user`: it is many-to-one, so an object may have several owners, \
             and `delete-orphan` does not know which counts: put it on the other side, or add \
             `single_parent`",
        );
    }
}

mod tables {
    use super::*;
    class!(
        User,
        "users",
        [id(), text("name"), column("other", ColumnDef { name: Some("name"), ..TEXT }),]
    );
    class!(Twice, "things", [id(), text("name"), text("name")]);
    class!(
        Action,
        "actions",
        [
            id(),
            column(
                "user_id",
                ColumnDef { foreign_key: Some("users.id"), on_delete: Some("explode"), ..INT }
            ),
        ]
    );
    class!(Short, "shorts", [id(), foreign_key("user_id", "users")]);
    class!(Unique, "uniques", [id(), text("name")], constraints: &[ConstraintDef::Unique(&["nmae"])]);
    class!(Target, "targets", [id()]);
    class!(
        Source,
        "sources",
        [id(), foreign_key("target_id", "targets.uid"), relationship("targets", many(Target)),]
    );

    #[test]
    fn tables_that_cannot_be_made() {
        says(
            User,
            "class `User`: column `name` of table `users` would be there twice; give one of them another \
             name by `#[column(name = \"…\")]`",
        );
        assert!(refused(&Registry::new(), Twice).contains("column `name` of table `things`"));
        says(
            Action,
            "class `Action`: `explode` is not what a foreign key can do; there are `cascade`, `set null`, \
             `set default`, `restrict` and `no action`",
        );
        says(
            Short,
            "class `Short`: the foreign key of column `user_id` is `users`; write the column that it refers \
             to, too: `users.id`",
        );
        let said = refused(&Registry::new(), Unique);
        assert!(said.ends_with("did you mean `name`?"), "{said}");
        let said = refused(&Registry::new(), Source);
        let line = "class `Source`: foreign key of `sources.target_id`: table `targets` has no column `uid`";
        assert!(said.contains(line), "{said}");
    }
}

mod association {
    use super::*;
    class!(
        Person,
        "people",
        [
            id(),
            relationship("friends", RelationshipDef { secondary: Some("friends"), ..many(Person) }),
            relationship("foes", RelationshipDef { secondary: Some("foes(a"), ..many(Person) }),
        ]
    );
    class!(
        Order,
        "orders",
        [
            id(),
            relationship(
                "items",
                RelationshipDef {
                    secondary: Some("order_items(a, b)"),
                    back_populates: Some("orders"),
                    ..many(Item)
                }
            ),
        ]
    );
    class!(
        Item,
        "items",
        [
            id(),
            relationship(
                "orders",
                RelationshipDef {
                    secondary: Some("order_items(a, b)"),
                    back_populates: Some("items"),
                    ..many(Order)
                }
            ),
        ]
    );

    #[test]
    fn association_tables_that_are_not_clear() {
        says(
            Person,
            "the mapping has 2 errors:\n\
             class `Person`, attribute `friends`: both sides of the association table `friends` would have \
             the column `people_id`; name the columns: `secondary = \"friends(column to here, column to \
             there)\"`\n\
             class `Person`, attribute `foes`: `secondary = \"foes(a\"` is not understood; write `name`, or \
             `name(column to here, column to there)`",
        );
        let said = refused(&Registry::new(), Order);
        let part = "go through `order_items` by different columns";
        assert!(said.contains(part), "{said}");
    }
}

mod unmapped_foreign_key {
    use super::*;
    use aludel_sql::{Column, Table};
    class!(User, "users", [id(), relationship("addresses", many(Address))]);
    class!(Address, "addresses", [id()]);

    #[test]
    fn a_foreign_key_without_a_field() {
        let registry = Registry::new();
        let table = Table::build("addresses")
            .column(Column::new("id", DataType::BigInt).primary_key())
            .column(Column::new("user_id", DataType::BigInt).references("users.id"));
        registry.add_table(table.finish().unwrap()).unwrap();
        assert_eq!(
            refused(&registry, User),
            "class `User`, attribute `addresses`: column `addresses.user_id` is needed for it, and no \
             attribute of `Address` stands for it: add the field `user_id`"
        );
    }
}
