//! SQL expressions as values.

use aludel::prelude::*;
use aludel::sql::{Expr, IntoQuery};
use aludel::{ErrorKind, Value, func, literal};

use super::{each, script};

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "expr_counter")]
struct Counter {
    #[column(primary_key)]
    id: Auto<i64>,
    n: i64,
    #[column(server_default = "7")]
    m: i64,
    #[column(default = "none")]
    label: String,
    #[column(foreign_key = "expr_counter.id")]
    next_id: Option<i64>,
    #[relationship(remote_side = "id")]
    next: One<Counter>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "expr_account")]
struct Account {
    #[column(primary_key)]
    id: Auto<i64>,
    balance: i64,
    #[column(version)]
    version: i64,
    #[column(computed = "balance * 2")]
    double: Option<i64>,
}

#[derive(Composite, Clone, Copy, Debug, Default, PartialEq)]
struct Point {
    x: i64,
    y: i64,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(
    table = "expr_shape",
    polymorphic_on = "kind",
    polymorphic_identity = "shape",
    subclasses(Circle)
)]
struct Shape {
    #[column(primary_key)]
    id: Auto<i64>,
    kind: String,
    size: i64,
    #[composite]
    at: Point,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "expr_circle", polymorphic_identity = "circle")]
struct Circle {
    #[mapped(base)]
    shape: Shape,
    radius: i64,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "expr_code")]
struct Code {
    #[column(primary_key)]
    code: String,
    n: Option<i64>,
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<Counter>().unwrap();
    registry.register::<Account>().unwrap();
    registry.register::<Shape>().unwrap();
    registry.register::<Circle>().unwrap();
    registry.register::<Code>().unwrap();
    registry
}

fn ab() -> Expr<String> {
    literal("a".to_owned()).concat("b")
}

/// The value that a query gives.
fn value_of(query: impl IntoQuery) -> Expr<i64> {
    query.scalar::<i64>().coalesce((0_i64,)).into_expr().type_as()
}

fn counters(session: &mut blocking::Session, values: &[i64]) -> Vec<Handle<Counter>> {
    let made = values.iter().map(|n| Counter { n: *n, m: 1, ..Counter::default() });
    let counters = session.add_all(made).unwrap();
    session.commit().unwrap();
    counters
}

fn stored(session: &mut blocking::Session) -> Vec<i64> {
    session.rows(select::<Counter>().order_by(Counter::id).columns(Counter::n)).unwrap()
}

#[test]
fn the_database_computes_the_value() {
    each("expr_update", &registry(), |session, sent, _| {
        let c = counters(session, &[1])[0];
        session.set_expr(c, Counter::n, Counter::n * 10 + 1).unwrap();
        // It is a change, whose value nobody knows yet.
        assert!(session.is_modified(c).unwrap());
        let history = session.history(c, Counter::n).unwrap();
        assert!(history.is_expression() && history.has_changes());
        assert_eq!((history.added(), history.deleted()), (&[][..], &[1][..]));
        assert!(session.pending_expr(c, Counter::n).unwrap().is_some());
        let error = session.value(c, Counter::n).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotLoaded);
        assert!(error.message().contains("was set to an SQL expression"), "{error}");
        assert!(session.try_get(c).is_err());
        assert_eq!(session.plan().unwrap().to_string(), "UPDATE expr_counter (1 row)\n");
        sent.take();
        session.flush().unwrap();
        let sent = sent.take();
        assert_eq!(sent.len(), 1, "{sent:?}");
        assert!(sent[0].starts_with("UPDATE \"expr_counter\" SET \"n\" = "), "{sent:?}");
        assert!(sent[0].contains("RETURNING"), "{sent:?}");
        assert_eq!(session[c].n, 11);
        assert!(!session.is_modified(c).unwrap());
        assert!(!session.history(c, Counter::n).unwrap().is_expression());
        session.commit().unwrap();
        assert_eq!(stored(session), [11]);
    });
}

#[test]
fn by_name_and_on_classes_described_at_run_time() {
    let registry = Registry::new();
    let class = registry
        .describe("Tally")
        .table("expr_tally")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .column::<i64>("n", |c| c)
        .finish()
        .unwrap();
    each("expr_named", &registry, |session, _, _| {
        let n = class.attr::<i64>("n").unwrap();
        let tally = session.add(class.record().with("n", 3_i64).unwrap()).unwrap();
        session.set_expr_named(tally, "n", func::<i64>("abs", (-5_i64,))).unwrap();
        session.flush().unwrap();
        assert_eq!(session.value(tally, n).unwrap(), &5);
        session.set_expr(tally, n, n + 1).unwrap();
        session.set_expr_named(tally, "n", n + 2).unwrap();
        assert!(session.inspect(tally).unwrap().attr(n).history().is_expression());
        session.commit().unwrap();
        assert_eq!(session.get_named(tally, "n").unwrap(), Some(Value::I64(7).into()));
        let wrong = session.set_expr_named(tally, "m", n + 2).unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::Unmapped);
    });
}

#[test]
fn a_new_object_may_have_them() {
    each("expr_insert", &registry(), |session, sent, _| {
        counters(session, &[4, 9]);
        let highest = || value_of(select::<Counter>().columns(Counter::n.max()));
        let made = session
            .add_all((0..3).map(|n| Counter { n, label: "x".into(), ..Counter::default() }))
            .unwrap();
        session.set_expr(made[1], Counter::n, highest() + 1).unwrap();
        session.set_expr(made[1], Counter::label, ab()).unwrap();
        assert!(session.value(made[1], Counter::n).is_err());
        sent.take();
        session.flush().unwrap();
        // The order of the rows stays as it is.
        let ids: Vec<i64> = made.iter().map(|c| session[*c].id.value()).collect();
        assert!(ids.is_sorted(), "{ids:?}");
        assert_eq!(session[made[1]].n, 10);
        assert_eq!(session[made[1]].label, "ab");
        assert_eq!(session[made[1]].m, 0);
        assert_eq!(session.state(made[1]).unwrap(), ObjectState::Persistent);
        let again = session.get::<Counter>(ids[1]).unwrap();
        assert_eq!(again, Some(made[1]));
        // Of what was never set, the database has its say.
        let c = session.create::<Counter>().unwrap();
        session.set_expr(c, Counter::n, highest() + 1).unwrap();
        session.add(c).unwrap();
        session.commit().unwrap();
        assert_eq!((session[c].n, session[c].m, &*session[c].label), (11, 7, "none"));
        assert_eq!(stored(session), [4, 9, 0, 10, 2, 11]);
    });
}

#[test]
fn a_new_key_may_be_one() {
    each("expr_key", &registry(), |session, _, _| {
        let code = session.add(Code { n: Some(1), ..Code::default() }).unwrap();
        session.set_expr(code, Code::code, ab()).unwrap();
        session.commit().unwrap();
        assert_eq!(session[code].code, "ab");
        assert_eq!(session.get::<Code>("ab").unwrap(), Some(code));
        let error = session.set_expr(code, Code::code, Code::code.concat("c")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.message().contains("Code.code of Code(\"ab\")"), "{error}");
        assert_eq!(session[code].code, "ab");
    });
}

#[test]
fn rows_with_equal_expressions_share_a_statement() {
    each("expr_shared", &registry(), |session, sent, _| {
        let all = counters(session, &[1, 2, 3, 4, 5, 6]);
        for c in &all[..4] {
            session.set_expr(*c, Counter::n, Counter::n + 10).unwrap();
        }
        session.set_expr(all[4], Counter::n, Counter::n + 11).unwrap();
        session.set(all[5], Counter::n, 60).unwrap();
        sent.take();
        session.flush().unwrap();
        let sent = sent.take();
        assert_eq!(sent.len(), 3, "{sent:?}");
        assert!(sent[0].contains(" IN "), "{sent:?}");
        assert_eq!(sent[2], "UPDATE expr_counter x1");
        let seen: Vec<i64> = all.iter().map(|c| session[*c].n).collect();
        assert_eq!(seen, [11, 12, 13, 14, 16, 60]);
        assert_eq!(stored(session), seen);
    });
}

#[test]
fn a_value_that_is_set_later_stands_in_its_place() {
    each("expr_replaced", &registry(), |session, _, _| {
        let c = counters(session, &[1])[0];
        session.set_expr(c, Counter::n, Counter::n + 1).unwrap();
        session.set(c, Counter::n, 5).unwrap();
        let history = session.history(c, Counter::n).unwrap();
        assert_eq!((history.added(), history.deleted()), (&[5][..], &[1][..]));
        assert!(!history.is_expression() && session.pending_expr(c, Counter::n).unwrap().is_none());
        session.flush().unwrap();
        assert_eq!(stored(session), [5]);
        // Back to what it was is no change.
        session.set_expr(c, Counter::n, Counter::n + 1).unwrap();
        session.set(c, Counter::n, 5).unwrap();
        assert!(!session.is_modified(c).unwrap());
        // Deleting it sets NULL.
        let key = session[c].id.value();
        session.set(c, Counter::next_id, key).unwrap();
        session.flush().unwrap();
        session.set_expr(c, Counter::next_id, Counter::id + 0).unwrap();
        session.del(c, Counter::next_id).unwrap();
        assert!(session.pending_expr(c, Counter::next_id).unwrap().is_none());
        session.flush().unwrap();
        assert_eq!(
            session.count(select::<Counter>().filter(Counter::next_id.is_null())).unwrap(),
            1
        );
        // As does setting a plain value by the same call.
        session.set_expr(c, Counter::n, 6).unwrap();
        assert_eq!(session[c].n, 6);
    });
}

#[test]
fn what_forgets_changes_forgets_them() {
    each("expr_forgotten", &registry(), |session, sent, _| {
        let c = counters(session, &[1])[0];
        let set = |s: &mut blocking::Session| s.set_expr(c, Counter::n, Counter::n + 1).unwrap();
        set(session);
        session.expire_attributes(c, [Counter::n]).unwrap();
        assert_eq!(session.load(c, Counter::n).unwrap(), &1);
        set(session);
        session.rollback().unwrap();
        session.refresh(c).unwrap();
        assert_eq!(session[c].n, 1);
        set(session);
        session.set_committed(c, Counter::n, 1).unwrap();
        assert!(!session.is_modified(c).unwrap());
        set(session);
        session.refresh(c).unwrap();
        assert_eq!(session[c].n, 1);
        sent.take();
        session.flush().unwrap();
        assert!(sent.take().is_empty());
        // A query does not fill in what waits for a flush.
        session.options_mut().autoflush = false;
        set(session);
        session.all(select::<Counter>()).unwrap();
        assert!(session.pending_expr(c, Counter::n).unwrap().is_some());
        assert!(session.load(c, Counter::n).is_err());
        session.options_mut().autoflush = true;
        // And a load flushes first.
        assert_eq!(session.load(c, Counter::n).unwrap(), &2);
    });
}

#[test]
fn what_no_expression_can_make_is_refused() {
    each("expr_refused", &registry(), |session, _, _| {
        let a = session.add(Account { balance: 1, ..Account::default() }).unwrap();
        let s = session.add(Shape { size: 1, ..Shape::default() }).unwrap();
        session.commit().unwrap();
        let refused = |result: aludel::Result<()>, why: &str| {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
            assert!(error.message().contains(why), "{error}");
        };
        refused(session.set_expr(a, Account::id, Account::id + 1), "it is of the key");
        refused(session.set_expr(a, Account::version, Account::version + 1), "it is the version");
        refused(session.set_expr(a, Account::double, Account::balance * 3), "it is only read");
        refused(session.set_expr_named(s, "at", literal(1_i64) + 1), "set its parts");
        assert!(!session.is_modified(a).unwrap() && !session.is_modified(s).unwrap());
    });
}

#[test]
fn versions_and_computed_columns_go_along() {
    each("expr_versions", &registry(), |session, _, _| {
        let a = session.add(Account { balance: 10, ..Account::default() }).unwrap();
        session.commit().unwrap();
        session.set_expr(a, Account::balance, Account::balance + 5).unwrap();
        session.commit().unwrap();
        assert_eq!((session[a].balance, session[a].version, session[a].double), (15, 2, Some(30)));
        let key = session[a].id.value();
        script(session, &format!("UPDATE expr_account SET version = 9 WHERE id = {key}"));
        session.set_expr(a, Account::balance, Account::balance + 5).unwrap();
        let stale = session.flush().unwrap_err();
        assert_eq!(stale.kind(), ErrorKind::Stale);
        session.rollback().unwrap();
        session.refresh(a).unwrap();
        assert_eq!((session[a].balance, session[a].version), (15, 9));
    });
}

#[test]
fn a_row_that_is_gone_is_told() {
    each("expr_gone", &registry(), |session, _, _| {
        let all = counters(session, &[1, 2, 3]);
        script(session, "DELETE FROM expr_counter WHERE n = 2");
        for c in &all {
            session.set_expr(*c, Counter::n, Counter::n + 10).unwrap();
        }
        let stale = session.flush().unwrap_err();
        assert_eq!(stale.kind(), ErrorKind::Stale);
        assert!(stale.message().contains("Counter(2)"), "{stale}");
        session.rollback().unwrap();
        assert_eq!(stored(session), [1, 3]);
    });
}

#[test]
fn tables_of_a_hierarchy_and_parts_of_a_composite() {
    each("expr_joined", &registry(), |session, _, _| {
        let other = Shape { size: 100, ..Shape::default() };
        session.add(other).unwrap();
        let c = session
            .add(Circle {
                shape: Shape { size: 3, at: Point { x: 1, y: 2 }, ..Shape::default() },
                radius: 4,
            })
            .unwrap();
        session.commit().unwrap();
        session.set_expr(c, Circle::radius, Circle::radius + Shape::size).unwrap();
        session.set_expr(c, Shape::at.part(Point::x), Shape::size * 2).unwrap();
        assert!(session.history(c, Shape::at).unwrap().has_changes());
        assert!(session.value(c, Shape::at).is_err());
        session.flush().unwrap();
        assert_eq!((session[c].radius, session[c].shape.at), (7, Point { x: 6, y: 2 }));
        // Both tables at once.
        session.set_expr(c, Shape::size, Shape::size + 1).unwrap();
        session.set(c, Circle::radius, 1).unwrap();
        session.commit().unwrap();
        assert_eq!((session[c].radius, session[c].shape.size), (1, 4));
        // And a new one.
        let c = session
            .add(Circle { shape: Shape { size: 1, ..Shape::default() }, radius: 0 })
            .unwrap();
        let widest = value_of(select::<Circle>().columns(Circle::radius.max()));
        session.set_expr(c, Circle::radius, widest + 1).unwrap();
        session.commit().unwrap();
        assert_eq!(session[c].radius, 2);
    });
}

#[test]
fn merging_takes_them_along() {
    each("expr_merge", &registry(), |session, _, _| {
        let c = counters(session, &[1])[0];
        let key = session[c].id.value();
        let given = session.make(Counter { id: key.into(), ..Counter::default() }).unwrap();
        session.set_expr(given, Counter::n, Counter::n + 5).unwrap();
        assert_eq!(session.merge(given).unwrap(), c);
        assert!(session.pending_expr(c, Counter::n).unwrap().is_some());
        session.flush().unwrap();
        assert_eq!(session[c].n, 6);
    });
}

#[test]
fn a_failed_flush_leaves_a_new_object_with_its_expression() {
    each("expr_failed", &registry(), |session, _, _| {
        counters(session, &[1]);
        let c = session.add(Counter { n: 2, next_id: Some(99), ..Counter::default() }).unwrap();
        session.set_expr(c, Counter::n, func::<i64>("no_such_function", (1_i64,))).unwrap();
        assert!(session.flush().is_err());
        session.rollback().unwrap();
        assert_eq!(session.state(c).unwrap(), ObjectState::Transient);
        session.set_expr(c, Counter::n, func::<i64>("abs", (-3_i64,))).unwrap();
        session.set(c, Counter::next_id, None).unwrap();
        session.add(c).unwrap();
        session.commit().unwrap();
        assert_eq!(session[c].n, 3);
    });
}

#[test]
fn a_foreign_key_may_be_one() {
    each("expr_foreign", &registry(), |session, _, _| {
        let all = counters(session, &[1, 2]);
        let first = value_of(select::<Counter>().columns(Counter::id.min()));
        session.set_expr(all[1], Counter::next_id, first).unwrap();
        session.commit().unwrap();
        assert_eq!(session.load(all[1], Counter::next).unwrap().get(), Some(all[0]));
    });
}

#[test]
fn listeners_are_told_and_may_refuse() {
    use aludel::orm::attributes::Incoming;
    each("expr_events", &registry(), |session, _, _| {
        let c = counters(session, &[1])[0];
        session
            .on(AttributeEvent::Set.of(Counter::n), |_, change| match &change.new {
                Incoming::Expression(_) => Err(aludel::Error::new(ErrorKind::Value, "no")),
                _ => Ok(()),
            })
            .unwrap();
        assert_eq!(session.set_expr(c, Counter::n, Counter::n + 1).unwrap_err().message(), "no");
        assert_eq!(session[c].n, 1);
        assert!(!session.is_modified(c).unwrap());
        session.set(c, Counter::n, 2).unwrap();
        assert_eq!(session[c].n, 2);
    });
}
