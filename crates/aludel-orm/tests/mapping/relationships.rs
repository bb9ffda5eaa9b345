//! Directions, pairs, other sides and association tables.

use aludel_orm::mapping::{Direction, Relationship};
use aludel_orm::{ClassDef, Collection, ColumnDef, Registry, RelationshipDef};
use aludel_sql::{Column, DataType, Table};

use crate::class;
use crate::class::*;

/// `owner.attribute = target.attribute` for each pair, and the association table's columns.
#[track_caller]
fn join(registry: &Registry, class: fn() -> &'static ClassDef, attribute: &str) -> String {
    let (mappers, index) = registry.ensure(class()).unwrap();
    let owner = mappers.get(index).unwrap();
    let relationship = find(owner, attribute);
    let target = mappers.get(relationship.target()).unwrap();
    let name = |m: &aludel_orm::mapping::Mapper, at: u16| {
        m.properties()[usize::from(at)].name().to_owned()
    };
    let mut parts: Vec<String> = relationship
        .pairs()
        .iter()
        .map(|(near, far)| format!("{} = {}", name(owner, *near), name(target, *far)))
        .collect();
    if let Some(secondary) = relationship.secondary() {
        let column = |at: u16| secondary.table().columns()[usize::from(at)].name.to_string();
        parts.extend(
            secondary.local().iter().map(|(a, c)| format!("{} = {}", name(owner, *a), column(*c))),
        );
        parts.extend(
            secondary
                .remote()
                .iter()
                .map(|(a, c)| format!("{} = {}", column(*c), name(target, *a))),
        );
    }
    format!("{relationship}: {}", parts.join(", "))
}

fn find<'m>(mapper: &'m aludel_orm::mapping::Mapper, attribute: &str) -> &'m Relationship {
    mapper.relationships().find(|r| r.name() == attribute).unwrap()
}

class!(
    User,
    "users",
    [
        id(),
        text("name"),
        relationship(
            "addresses",
            RelationshipDef {
                back_populates: Some("user"),
                cascade: Some("all, delete-orphan"),
                order_by: &["-id"],
                ..many(Address)
            }
        ),
        relationship("profile", RelationshipDef { back_populates: Some("user"), ..one(Profile) }),
    ]
);
class!(
    Address,
    "addresses",
    [
        id(),
        foreign_key("user_id", "users.id"),
        relationship("user", RelationshipDef { back_populates: Some("addresses"), ..one(User) }),
    ]
);
class!(
    Profile,
    "profiles",
    [
        id(),
        foreign_key("user_id", "users.id"),
        relationship("user", RelationshipDef { back_populates: Some("profile"), ..one(User) }),
    ]
);

#[test]
fn the_foreign_key_tells_the_direction() {
    let registry = Registry::new();
    assert_eq!(join(&registry, User, "addresses"), "one to many: id = user_id");
    assert_eq!(join(&registry, Address, "user"), "many to one: user_id = id");
    assert_eq!(join(&registry, User, "profile"), "one to one: id = user_id");
}

#[test]
fn a_mapper_prints() {
    let registry = Registry::new();
    let expected = "\
User -> users
  id: users.id, primary key
  name: users.name
  addresses: one to many
  profile: one to one";
    assert_eq!(printed(&registry, User), expected);
}

#[test]
fn other_sides_know_each_other() {
    let registry = Registry::new();
    let (mappers, user) = registry.ensure(User()).unwrap();
    let (user, address) = (mappers.get(user).unwrap(), mappers.of(Address()).unwrap());
    let reverse = find(user, "addresses").reverse();
    assert_eq!(reverse, [(address.index(), address.attribute("user").unwrap())]);
    let reverse = find(address, "user").reverse();
    assert_eq!(reverse, [(user.index(), user.attribute("addresses").unwrap())]);
}

class!(
    Node,
    "nodes",
    [
        id(),
        foreign_key("parent_id", "nodes.id"),
        relationship("children", RelationshipDef { back_populates: Some("parent"), ..many(Node) }),
        relationship("parent", RelationshipDef { back_populates: Some("children"), ..one(Node) }),
        relationship("explicit", RelationshipDef { remote_side: &["id"], ..one(Node) }),
        relationship("only_child", RelationshipDef { remote_side: &["parent_id"], ..one(Node) }),
    ]
);

#[test]
fn between_objects_of_one_class_the_holder_or_remote_side_tells() {
    let registry = Registry::new();
    assert_eq!(join(&registry, Node, "children"), "one to many: id = parent_id");
    assert_eq!(join(&registry, Node, "parent"), "many to one: parent_id = id");
    assert_eq!(join(&registry, Node, "explicit"), "many to one: parent_id = id");
    assert_eq!(join(&registry, Node, "only_child"), "one to one: id = parent_id");
}

class!(
    Band,
    "bands",
    [
        id(),
        foreign_key("leader_id", "musicians.id"),
        relationship(
            "members",
            RelationshipDef {
                back_populates: Some("band"),
                foreign_keys: &["Musician.band_id"],
                ..many(Musician)
            }
        ),
        relationship(
            "leader",
            RelationshipDef { foreign_keys: &["leader_id"], post_update: true, ..one(Musician) }
        ),
    ]
);
class!(
    Musician,
    "musicians",
    [
        id(),
        foreign_key("band_id", "bands.id"),
        relationship(
            "band",
            RelationshipDef {
                back_populates: Some("members"),
                foreign_keys: &["musicians.band_id"],
                ..one(Band)
            }
        ),
    ]
);

#[test]
fn foreign_keys_choose_among_several() {
    let registry = Registry::new();
    assert_eq!(join(&registry, Band, "members"), "one to many: id = band_id");
    assert_eq!(join(&registry, Band, "leader"), "many to one: leader_id = id");
    assert_eq!(join(&registry, Musician, "band"), "many to one: band_id = id");
}

const KEY: ColumnDef = ColumnDef { primary_key: true, ..ColumnDef::new(DataType::BigInt, false) };
class!(
    Room,
    "rooms",
    [
        column("house", KEY),
        column("number", KEY),
        relationship("beds", RelationshipDef { back_populates: Some("room"), ..many(Bed) }),
    ]
);
class!(Bed, "beds", [
    id(),
    column("room_number", INT),
    column("room_house", INT),
    relationship("room", RelationshipDef { back_populates: Some("beds"), ..one(Room) }),
], constraints: &[aludel_orm::ConstraintDef::ForeignKey {
    columns: &["room_number", "room_house"],
    references: &["rooms.number", "rooms.house"],
    on_delete: Some("cascade"),
    on_update: None,
}]);

#[test]
fn composite_keys_in_the_order_of_the_key() {
    let registry = Registry::new();
    let expected = "many to one: room_house = house, room_number = number";
    assert_eq!(join(&registry, Bed, "room"), expected);
    let expected = "one to many: number = room_number, house = room_house";
    assert_eq!(join(&registry, Room, "beds"), expected);
}

class!(
    Order,
    "orders",
    [
        id(),
        relationship(
            "items",
            RelationshipDef {
                secondary: Some("order_items(order_id, item_id)"),
                back_populates: Some("orders"),
                ..many(Item)
            }
        ),
        relationship("tags", RelationshipDef { secondary: Some("order_tags"), ..many(Tag) }),
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
                secondary: Some("order_items"),
                back_populates: Some("items"),
                ..many(Order)
            }
        ),
    ]
);
class!(Tag, "tags", [column("name", ColumnDef { primary_key: true, ..TEXT })]);

#[test]
fn an_association_table_is_made() {
    let registry = Registry::new();
    let expected = "many to many through order_items: id = order_id, item_id = id";
    assert_eq!(join(&registry, Order, "items"), expected);
    let expected = "many to many through order_items: id = item_id, order_id = id";
    assert_eq!(join(&registry, Item, "orders"), expected);
    let expected = "many to many through order_tags: id = orders_id, tags_name = name";
    assert_eq!(join(&registry, Order, "tags"), expected);
    let table = registry.metadata().get("order_tags").unwrap().clone();
    assert_eq!(table.primary_key(), [0, 1]);
    assert_eq!(table.columns()[1].data_type, DataType::Text(None));
    let targets: Vec<_> = table.foreign_keys().iter().map(|k| k.target_table.to_string()).collect();
    assert_eq!(targets, ["orders", "tags"]);
}

#[test]
fn whichever_side_comes_first_defines_the_association_table() {
    let registry = Registry::new();
    let expected = "many to many through order_items: id = item_id, order_id = id";
    assert_eq!(join(&registry, Item, "orders"), expected);
}

#[test]
fn an_association_table_by_hand() {
    let registry = Registry::new();
    let table = Table::build("order_items")
        .column(Column::of::<i64>("position"))
        .column(Column::of::<i64>("item_id").primary_key().references("items.id"))
        .column(Column::of::<i64>("order_id").primary_key().references("orders.id"))
        .finish()
        .unwrap();
    registry.add_table(table.clone()).unwrap();
    join(&registry, Order, "items");
    let (mappers, order) = registry.ensure(Order()).unwrap();
    let secondary = find(mappers.get(order).unwrap(), "items").secondary().unwrap();
    assert_eq!(*secondary.table(), table);
    assert_eq!((secondary.local()[0].1, secondary.remote()[0].1), (2, 1));
}

class!(
    Person,
    "people",
    [
        id(),
        relationship(
            "friends",
            RelationshipDef {
                secondary: Some("friends(person_id, friend_id)"),
                back_populates: Some("friend_of"),
                ..many(Person)
            }
        ),
        relationship(
            "friend_of",
            RelationshipDef {
                secondary: Some("friends"),
                back_populates: Some("friends"),
                ..many(Person)
            }
        ),
    ]
);

#[test]
fn many_to_many_between_objects_of_one_class() {
    let registry = Registry::new();
    let expected = "many to many through friends: id = person_id, friend_id = id";
    assert_eq!(join(&registry, Person, "friends"), expected);
    let expected = "many to many through friends: id = friend_id, person_id = id";
    assert_eq!(join(&registry, Person, "friend_of"), expected);
}

class!(
    Report,
    "reports",
    [
        id(),
        relationship(
            "notes",
            RelationshipDef { collection: Some(Collection::Keyed("key")), ..many(Note) }
        ),
        relationship("all_notes", RelationshipDef { viewonly: true, ..many(Note) }),
    ]
);
class!(Note, "notes", [id(), text("key"), foreign_key("report_id", "reports.id")]);

#[test]
fn viewonly_is_read_only() {
    let registry = Registry::new();
    let (mappers, report) = registry.ensure(Report()).unwrap();
    let report = mappers.get(report).unwrap();
    assert!(find(report, "all_notes").is_viewonly());
    assert_eq!(find(report, "all_notes").cascades(), aludel_orm::mapping::Cascades::default());
    assert_eq!(find(report, "notes").direction(), Direction::OneToMany);
}

mod conditions {
    //! Conditions of the user's own, over tables made by hand.

    use std::sync::LazyLock;

    use aludel_sql::{BinaryOp, Expr, Node};

    use super::*;

    static STOPS: LazyLock<Table> = LazyLock::new(|| {
        Table::build("stops")
            .column(Column::of::<i64>("id").primary_key())
            .column(Column::of::<String>("code"))
            .column(Column::of::<i64>("open"))
            .finish()
            .unwrap()
    });
    static RIDES: LazyLock<Table> = LazyLock::new(|| {
        Table::build("rides")
            .column(Column::of::<i64>("id").primary_key())
            .column(Column::of::<String>("from"))
            .column(Column::of::<i64>("stop_id").references("stops.id"))
            .finish()
            .unwrap()
    });

    fn by_code() -> Expr<bool> {
        Expr::from_node(Node::eq(Node::column(&*RIDES, 1), Node::column(&*STOPS, 1)))
    }

    fn open() -> Expr<bool> {
        let open = Node::binary(BinaryOp::Eq, Node::column(&*STOPS, 2), Node::literal(1_i64));
        let key = Node::eq(Node::column(&*STOPS, 0), Node::column(&*RIDES, 2));
        Expr::from_node(Node::and([key, open]))
    }

    class!(
        Stop,
        "stops",
        [
            id(),
            text("code"),
            column("open", INT),
            relationship(
                "departures",
                RelationshipDef {
                    primaryjoin: Some(by_code),
                    foreign_keys: &["rides.from"],
                    viewonly: true,
                    ..many(Ride)
                }
            ),
        ]
    );
    class!(
        Ride,
        "rides",
        [
            id(),
            text("from"),
            column("stop_id", INT),
            relationship(
                "origin",
                RelationshipDef {
                    primaryjoin: Some(by_code),
                    foreign_keys: &["from"],
                    ..one(Stop)
                }
            ),
            relationship("open_stop", RelationshipDef { primaryjoin: Some(open), ..one(Stop) }),
        ]
    );
    class!(
        Unclear,
        "rides",
        [
            id(),
            text("from"),
            relationship("origin", RelationshipDef { primaryjoin: Some(by_code), ..one(Stop) }),
        ]
    );

    fn registry() -> Registry {
        let registry = Registry::new();
        registry.add_table(STOPS.clone()).unwrap();
        registry.add_table(RIDES.clone()).unwrap();
        registry
    }

    #[test]
    fn pairs_are_what_a_condition_equates() {
        let registry = registry();
        assert_eq!(join(&registry, Stop, "departures"), "one to many: code = from");
        assert_eq!(join(&registry, Ride, "origin"), "many to one: from = code");
        assert_eq!(join(&registry, Ride, "open_stop"), "many to one: stop_id = id");
    }

    #[test]
    fn a_condition_must_say_which_side_is_the_key() {
        let expected = "class `Unclear`, attribute `origin`: its primaryjoin equates no foreign key of the two \
                        classes; say which columns are foreign keys: `foreign_keys = \"…\"`";
        assert_eq!(refused(&registry(), Unclear), expected);
    }
}

mod attributes_in_conditions {
    //! Conditions in terms of attributes, with derived classes.

    use aludel_derive::Mapped;
    use aludel_orm::loading::remote;
    use aludel_orm::{Auto, Many, Mapped as _, One};
    use aludel_sql::Expression;

    use super::*;

    #[derive(Mapped, Clone, Debug, Default)]
    #[mapped(crate = aludel_orm, table = "parts")]
    struct Part {
        #[column(primary_key)]
        id: Auto<i64>,
        kind: String,
        whole_id: Option<i64>,
        #[relationship(
            primaryjoin = Part::whole_id.eq(remote(Part::id)),
            foreign_keys = "whole_id",
            back_populates = "parts"
        )]
        whole: One<Part>,
        #[relationship(
            primaryjoin = Part::id.eq(remote(Part::whole_id)),
            foreign_keys = "whole_id",
            back_populates = "whole"
        )]
        parts: Many<Part>,
        #[relationship(
            primaryjoin = Part::id.eq(remote(Part::whole_id)) & Part::kind.eq("screw"),
            foreign_keys = "whole_id",
            viewonly
        )]
        screws: Many<Part>,
    }

    #[test]
    fn the_remote_side_is_marked() {
        let registry = Registry::new();
        assert_eq!(join(&registry, Part::class, "whole"), "many to one: whole_id = id");
        assert_eq!(join(&registry, Part::class, "parts"), "one to many: id = whole_id");
        assert_eq!(join(&registry, Part::class, "screws"), "one to many: id = whole_id");
    }
}
