//! What tells the class of a row: expressions, abstract bases, identities that nobody has.

use aludel::orm::mapping::PolymorphicLoad;
use aludel::prelude::*;
use aludel::{ErrorKind, Record, case};

use crate::each;
use crate::support::Db;

/// Nobody says of a row which class it is of: its values do.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "parcels", polymorphic_on = "kind", polymorphic_identity = "letter")]
#[mapped(subclasses(Crate), narrow = AnyParcel)]
struct Parcel {
    #[column(primary_key)]
    id: Auto<i64>,
    weight: i64,
    #[expression(case::<String>().when(Self::weight.gt(10), "crate").otherwise("letter"))]
    kind: String,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(polymorphic_identity = "crate")]
struct Crate {
    #[mapped(base)]
    parcel: Parcel,
    lid: Option<String>,
}

/// No object is of these two themselves.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "accounts", polymorphic_on = "kind", polymorphic_abstract)]
#[mapped(subclasses(Savings, Trading), narrow = AnyAccount, with_polymorphic = "*")]
struct Account {
    #[column(primary_key)]
    id: Auto<i64>,
    kind: Option<String>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "savings", polymorphic_identity = "savings")]
struct Savings {
    #[mapped(base)]
    account: Account,
    rate: i64,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(polymorphic_abstract, subclasses(Margin))]
struct Trading {
    #[mapped(base)]
    account: Account,
    desk: Option<String>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "margins", polymorphic_identity = "margin")]
struct Margin {
    #[mapped(base)]
    trading: Trading,
    limit: i64,
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<Parcel>().unwrap();
    registry.register::<Account>().unwrap();
    registry
}

fn parcel(weight: i64) -> Parcel {
    Parcel { weight, ..Parcel::default() }
}

#[test]
fn an_expression_tells_the_class() {
    each("expression_tells", registry, |db| {
        let small = db.add(parcel(1)).unwrap();
        let big = db.add(Crate { parcel: parcel(20), lid: Some("oak".into()) }).unwrap();
        // Known before there is a row.
        assert_eq!((&*db[small].kind, &*db[big].kind), ("letter", "crate"));
        db.flush().unwrap();
        let insert = db.sent();
        assert!(insert.iter().all(|sql| !sql.contains("kind")), "{insert:?}");
        db.commit().unwrap();
        db.renew();
        let all = db.all(select::<Parcel>().order_by(Parcel::weight)).unwrap();
        let AnyParcel::Crate(big) = db.narrow(all[1]).unwrap() else { panic!("{all:?}") };
        assert!(matches!(db.narrow(all[0]).unwrap(), AnyParcel::Parcel(_)));
        assert_eq!(db.load(big, Crate::lid).unwrap().as_deref(), Some("oak"));
        // Of a subclass in the same table, the expression tells the rows.
        assert_eq!(db.all(select::<Crate>()).unwrap(), [big]);
        let key = all[0];
        let id = db[key].id.value();
        assert_eq!(db.get::<Crate>(id).unwrap(), None);
        assert_eq!(db.count(select::<Parcel>().filter(Parcel::kind.eq("letter"))).unwrap(), 1);
        let update = aludel::orm::update::<Crate>().set(Crate::lid, "tin");
        assert_eq!(db.execute_update(update).unwrap(), 1);
        assert_eq!(db.execute_delete(aludel::orm::delete::<Crate>()).unwrap(), 1);
        assert_eq!(db.count(select::<Parcel>()).unwrap(), 1);
        // A value that nothing writes cannot be set.
        let refused = db.set(key, Parcel::kind, "crate".to_owned()).unwrap_err();
        assert!(refused.to_string().contains("Parcel.kind"), "{refused}");
    });
}

#[test]
fn no_object_is_of_an_abstract_class() {
    each("abstract_class", registry, |db| {
        let refused = db.add(Account::default()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidRequest);
        assert!(refused.to_string().contains("class Account is abstract"), "{refused}");
        assert!(db.make(Trading::default()).is_err());
        assert!(db.create::<Trading>().is_err());
        db.add(Savings { rate: 2, ..Savings::default() }).unwrap();
        let trading = Trading { desk: Some("fx".into()), ..Trading::default() };
        db.add(Margin { trading, limit: 5 }).unwrap();
        db.commit().unwrap();
        db.renew();
        db.selects();
        let all = db.all(select::<Account>().order_by(Account::id)).unwrap();
        // All columns of all subclasses come in one SELECT.
        let AnyAccount::Savings(savings) = db.narrow(all[0]).unwrap() else { panic!("{all:?}") };
        let AnyAccount::Trading(trading) = db.narrow(all[1]).unwrap() else { panic!("{all:?}") };
        let margin = db.downcast::<_, Margin>(trading).unwrap();
        assert_eq!(
            (db[savings].rate, db[margin].limit, db[margin].desk.as_deref()),
            (2, 5, Some("fx"))
        );
        assert_eq!(db.selects(), 1);
        // In the table of the base: rows of its subclasses.
        assert_eq!(db.all(select::<Trading>()).unwrap(), [trading]);
        let mapper = db.registry.mapper::<Trading>().unwrap();
        assert!(mapper.is_polymorphic_abstract() && mapper.polymorphic_identity().is_none());
    });
}

#[test]
fn rows_that_are_of_no_class() {
    each("no_class", registry, |db| {
        let insert = |db: &mut Db, kind: &str| {
            let sql =
                format!("DELETE FROM accounts; INSERT INTO accounts (id, kind) VALUES (7, {kind})");
            db.execute(&sql);
        };
        insert(db, "'loan'");
        let error = db.all(select::<Account>()).unwrap_err().to_string();
        assert!(error.contains("loading Account(7)"), "{error}");
        assert!(
            error.contains("no such polymorphic identity: the discriminator `kind` is"),
            "{error}"
        );
        assert!(error.contains("loan"), "{error}");
        insert(db, "NULL");
        let error = db.all(select::<Account>()).unwrap_err().to_string();
        assert!(error.contains("the discriminator `kind` is NULL"), "{error}");
        // One of another branch, by a statement that does not ask for the class.
        insert(db, "'savings'");
        let sql = aludel::sql::Statement::text("SELECT id, kind, desk FROM accounts");
        let error = db.all(select::<Trading>().from_statement(sql)).unwrap_err().to_string();
        assert!(error.contains("that of class Savings, no subclass of Trading"), "{error}");
        // The session is as it was.
        assert_eq!(db.count(select::<Account>()).unwrap(), 1);
    });
}

#[test]
fn described_classes_have_the_same() {
    let registry = || {
        let registry = Registry::new();
        let shape = registry
            .describe("Shape")
            .table("shapes")
            .column::<Auto<i64>>("id", |c| c.primary_key())
            .column::<i64>("corners", |c| c)
            .expression::<String, _>("kind", |class| {
                let corners = class.attr::<i64>("corners")?;
                Ok(case::<String>().when(corners.eq(0), "circle").otherwise("polygon"))
            })
            .configure(|mapper| {
                mapper.polymorphic_on("kind").polymorphic_abstract().with_polymorphic(["Circle"]);
            })
            .finish()
            .unwrap();
        for (name, identity, load) in
            [("Circle", "circle", None), ("Polygon", "polygon", Some(PolymorphicLoad::SelectIn))]
        {
            registry
                .describe(name)
                .table(&name.to_lowercase())
                .inherits(shape)
                .column::<i64>("size", |c| c)
                .configure(move |mapper| {
                    mapper.polymorphic_identity(identity);
                    if let Some(load) = load {
                        mapper.polymorphic_load(load);
                    }
                })
                .finish()
                .unwrap();
        }
        registry.configure().unwrap();
        registry
    };
    each("described_kinds", registry, |db| {
        let class = |db: &Db, name: &str| db.registry.record_class(name).unwrap();
        let (shape, circle, polygon) =
            (class(db, "Shape"), class(db, "Circle"), class(db, "Polygon"));
        assert!(db.add(shape.record()).is_err());
        let new = |record: Record, corners: i64, size: i64| {
            record.with("corners", corners).unwrap().with("size", size).unwrap()
        };
        db.add(new(circle.record(), 0, 3)).unwrap();
        db.add(new(polygon.record(), 4, 8)).unwrap();
        db.commit().unwrap();
        db.renew();
        db.selects();
        let all = db.all(shape.select().order_by(shape.attr::<Auto<i64>>("id").unwrap())).unwrap();
        assert_eq!(db.selects(), 2);
        let told: Vec<_> = all
            .iter()
            .map(|at| (db[*at].class_name(), db[*at].get::<i64>("size").copied()))
            .collect();
        assert_eq!(told, [("Circle", Some(3)), ("Polygon", Some(8))]);
    });
}

#[test]
fn what_is_wrong_is_said() {
    #[derive(Mapped, Clone, Debug, Default)]
    #[mapped(table = "things", polymorphic_abstract, configure = Self::wrong)]
    struct Thing {
        #[column(primary_key)]
        id: Auto<i64>,
    }
    impl Thing {
        fn wrong(mapper: &mut aludel::orm::mapping::MapperBuilder) {
            mapper.with_polymorphic(["Thingg"]).polymorphic_load(PolymorphicLoad::Inline);
        }
    }
    let error = Registry::new().register::<Thing>().unwrap_err().to_string();
    for part in [
        "the mapping has 3 errors",
        "`with_polymorphic` names `Thingg`, which is no subclass",
        "`polymorphic_load` is for a subclass",
        "nothing tells of which subclass a row is",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
}
