use std::sync::atomic::{AtomicUsize, Ordering};

use crate::render::tests::{address, age, email, id, name, user, user_id};
use crate::*;

/// What is sent: the text and the parameters.
fn compile(cache: &StatementCache, statement: &dyn Keyed) -> (Arc<Compiled>, Vec<Value>) {
    let mut params = Vec::new();
    let compiled = cache.compile_plain(statement, &mut params).unwrap();
    (compiled, params.iter().map(|p| p.as_ref().to_owned()).collect())
}

use std::sync::Arc;

fn query(n: &str, limit: i64) -> Select {
    select(id()).filter(name().eq(n)).limit(limit)
}

#[test]
fn a_shape_is_rendered_once() {
    let cache = StatementCache::new(Dialect::sqlite(), 10);
    let (a, first) = compile(&cache, &query("x", 1));
    let (b, second) = compile(&cache, &query("y", 2));
    assert!(Arc::ptr_eq(&a, &b));
    assert_eq!(&*a.sql, r#"SELECT "user"."id" FROM "user" WHERE "user"."name" = ?1 LIMIT ?2"#);
    assert_eq!(first, ["x".into(), Value::I64(1)]);
    assert_eq!(second, ["y".into(), Value::I64(2)]);
    let (c, _) = compile(&cache, &query("y", 2).offset(1));
    assert_ne!(a.id, c.id);
    assert_eq!(cache.len(), 2);
    // The same as a query, as a statement, and by NULL, which is another condition.
    assert_eq!(compile(&cache, &Query::from(query("z", 1))).0.id, a.id);
    assert_eq!(compile(&cache, &Statement::from(query("z", 1))).0.id, a.id);
}

#[test]
fn an_expression_that_stands_twice_has_two_parameters() {
    let cache = StatementCache::new(Dialect::sqlite(), 10);
    let x = literal(1_i64);
    let twice = select(id()).filter(id().eq(&x) | user_id().eq(&x));
    let other = select(id()).filter(id().eq(2_i64) | user_id().eq(3_i64));
    let (a, first) = compile(&cache, &twice);
    let (b, second) = compile(&cache, &other);
    assert_eq!(a.id, b.id);
    assert_eq!((first.len(), second), (2, vec![Value::I64(2), Value::I64(3)]));
}

#[test]
fn in_lists_share_shapes() {
    let cache = StatementCache::new(Dialect::sqlite(), 10);
    let of = |n: i64| select(id()).filter(id().in_(1..=n) & name().ne("x"));
    let (five, params) = compile(&cache, &of(5));
    assert!(five.sql.contains("IN (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) AND \"user\".\"name\" <> ?9"));
    assert!(five.arrays.is_empty());
    let numbers = [1, 2, 3, 4, 5, 5, 5, 5].map(Value::I64);
    assert_eq!(params[..8], numbers);
    assert_eq!(params[8], "x".into());
    assert_eq!(compile(&cache, &of(8)).0.id, five.id);
    assert_ne!(compile(&cache, &of(9)).0.id, five.id);
    assert_ne!(compile(&cache, &of(0)).0.id, five.id);
    let tuples =
        |n: i64| select(id()).filter(tuple((id(), name())).in_((0..n).map(|i| (i, i.to_string()))));
    let (three, params) = compile(&cache, &tuples(3));
    assert_eq!((params.len(), compile(&cache, &tuples(4)).0.id), (8, three.id));
    assert_eq!((in_bucket(0), in_bucket(1), in_bucket(1000), in_bucket(1025)), (0, 1, 1024, 1536));
}

#[test]
fn lists_go_as_arrays_where_there_are_some() {
    let cache = StatementCache::new(Dialect::postgres(), 10);
    let array = |first, len| crate::ArrayParam { first, len };
    let query = select(id()).filter(name().ne("a") & id().in_(1..=3) & name().not_in(["b", "c"]));
    let (compiled, params) = compile(&cache, &query.clone().filter(age().eq(5)));
    let condition =
        r#"<> $1 AND "user"."id" = ANY($2) AND "user"."name" <> ALL($3)) AND "user"."age" = $4"#;
    assert!(compiled.sql.contains(condition), "{}", compiled.sql);
    assert_eq!(compiled.arrays[..], [array(1, 4), array(5, 2)]);
    assert_eq!((params.len(), &params[6], &params[7]), (8, &"c".into(), &Value::I64(5)));

    // One value, values of no one type, tuples, and expressions among them are no arrays.
    let alone = |condition| compile(&cache, &select(id()).filter(condition)).0;
    assert!(alone(id().in_([1])).sql.contains("IN ($1)"));
    assert!(alone(id().in_([age(), literal(3)])).sql.contains(r#"IN ("user"."age", $1)"#));
    assert!(alone(tuple((id(), name())).in_([(1, "a"), (2, "b")])).arrays.is_empty());
    // Of values that are compared with a value, nothing would tell the type.
    assert!(alone(literal(1_i64).in_([1, 2])).arrays.is_empty());
    // Statements that write take each value by itself.
    let delete = Delete::from(&user()).filter(id().in_([1, 2]));
    assert!(compile(&cache, &Statement::from(delete)).0.sql.contains("IN ($1, $2)"));
}

#[test]
fn arrays_and_parameters_that_are_left_out() {
    /// Drops a comparison of ages, and writes one of ids twice.
    struct Changed;
    impl Rewriter for Changed {
        fn node(&mut self, node: &Node) -> Result<Option<Node>> {
            Ok(match node {
                Node::Binary(BinaryOp::Gt, _) => {
                    Some(Node::eq(age().into_node(), age().into_node()))
                }
                Node::In(set) if set.negated => {
                    let again = In { operand: age().into_node(), ..(**set).clone() };
                    Some(Node::and([Node::In(set.clone()), Node::In(Box::new(again))]))
                }
                _ => None,
            })
        }
    }
    let cache = StatementCache::new(Dialect::postgres(), 10);
    let query = select(id()).filter(age().gt(1) & id().in_([2, 3]) & id().not_in([4, 5]));
    let mut params = Vec::new();
    let compiled =
        cache.compile(&query, &mut params, &mut |s| Ok(s.rewrite(&mut Changed)?.into())).unwrap();
    let condition =
        r#""user"."id" = ANY($1) AND ("user"."id" <> ALL($2) AND "user"."age" <> ALL($2))"#;
    assert!(compiled.sql.contains(condition), "{}", compiled.sql);
    let first = |array: &crate::ArrayParam| (array.first, array.len);
    assert_eq!(compiled.arrays.iter().map(first).collect::<Vec<_>>(), [(0, 2), (2, 2)]);
    let given: Vec<Value> = params.iter().map(|p| p.as_ref().to_owned()).collect();
    assert_eq!(given, [2, 3, 4, 5].map(Value::I64));
}

#[test]
fn aliases_are_told_apart_by_place_only() {
    let cache = StatementCache::new(Dialect::sqlite(), 10);
    let pair = || {
        let (a, b) = (user().alias(), user().alias());
        select(a.col::<i64>("id")).filter(a.col::<i64>("age").lt(b.col::<i64>("age")))
    };
    assert_eq!(compile(&cache, &pair()).0.id, compile(&cache, &pair()).0.id);
    let same = {
        let a = user().alias();
        select(a.col::<i64>("id")).filter(a.col::<i64>("age").lt(a.col::<i64>("age")))
    };
    assert_ne!(compile(&cache, &pair()).0.id, compile(&cache, &same).0.id);
    let derived = || {
        let old = select(id()).filter(name().eq("x")).subquery();
        select(old.col::<i64>("id")).filter(old.col::<i64>("id").eq(5))
    };
    let (compiled, params) = compile(&cache, &derived());
    assert_eq!(params, ["x".into(), Value::I64(5)]);
    assert_eq!(compile(&cache, &derived()).0.id, compiled.id);
}

#[test]
fn mysql_takes_parameters_in_the_order_of_the_text() {
    let cache = StatementCache::new(Dialect::mysql(), 10);
    // The key meets the condition on the derived table in the result, the text in FROM; and NULLS
    // LAST has its operand twice.
    let old = select(id()).filter(name().eq("x")).cte("old");
    let statement = select((id(), literal("y".to_owned())))
        .filter(id().in_query(select(old.col::<i64>("id"))))
        .order_by(name().concat("z").asc().nulls_last());
    let (compiled, params) = compile(&cache, &statement);
    assert_eq!(
        &*compiled.sql,
        "WITH `old`(`id`) AS (SELECT `user`.`id` FROM `user` WHERE `user`.`name` = ?) \
         SELECT `user`.`id`, ? FROM `user` WHERE `user`.`id` IN (SELECT `old`.`id` FROM `old`) \
         ORDER BY CONCAT(`user`.`name`, ?) IS NULL, CONCAT(`user`.`name`, ?) ASC"
    );
    assert_eq!(params, ["x".into(), "y".into(), "z".into(), Value::from("z")]);
}

#[test]
fn the_cache_is_bounded() {
    let cache = StatementCache::new(Dialect::sqlite(), 8);
    let often = select(id());
    let kept = compile(&cache, &often).0.id;
    for i in 0..50 {
        compile(&cache, &select(id().label(&i.to_string())));
        assert!(cache.len() <= 8);
        assert_eq!(compile(&cache, &often).0.id, kept);
    }
    cache.clear();
    assert!(cache.is_empty());
}

#[test]
fn wrong_statements_are_refused() {
    let cache = StatementCache::new(Dialect::sqlite(), 8);
    let error = |s: &dyn Keyed| cache.compile_plain(s, &mut Vec::new()).unwrap_err();
    let wrong = error(&Insert::into(&user()).set("nmae", 1));
    assert_eq!(wrong.kind(), ErrorKind::Argument);
    assert!(wrong.message().contains("did you mean `name`?"));
    assert!(error(&select(param::<i64>(0))).message().contains("placeholders of its own"));
}

/// An attribute of a class, as the layer above has it: a node, a value of its own, and a constant
/// of the mapping that the key knows nothing of.
#[derive(Debug)]
struct Has {
    condition: Node,
}

impl CustomNode for Has {
    fn key<'a>(&'a self, key: &mut KeyWriter<'a>) {
        key.token(4711);
        key.node(&self.condition);
    }

    fn rebuild(
        &self,
        replace: &mut dyn FnMut(&Node) -> Result<Node>,
    ) -> Result<Option<Arc<dyn CustomNode>>> {
        Ok(Some(Arc::new(Self { condition: replace(&self.condition)? })))
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

fn resolve(statement: &Statement) -> Result<Statement> {
    struct Resolve;
    impl Rewriter for Resolve {
        fn node(&mut self, node: &Node) -> Result<Option<Node>> {
            let Node::Custom(custom) = node else { return Ok(None) };
            let has = custom.as_any().downcast_ref::<Has>().unwrap();
            let inner = select(())
                .from(address())
                .filter(user_id().eq(id()))
                // A constant, and the order of the parts turned round.
                .filter(email().ne("none"))
                .filter(Expr::<bool>::from_node(has.condition.clone()));
            Ok(Some(Node::Exists(inner.into())))
        }
    }
    statement.rewrite(&mut Resolve)
}

#[test]
fn custom_nodes_are_resolved_once() {
    for dialect in [Dialect::sqlite(), Dialect::mysql()] {
        let cache = StatementCache::new(dialect, 8);
        let resolved = AtomicUsize::new(0);
        let run = |a: &str, b: i64, expect: &[Value]| {
            let has: Arc<dyn CustomNode> = Arc::new(Has { condition: email().like(a).into_node() });
            let statement =
                select(id()).filter(Expr::<bool>::from_node(Node::Custom(has))).limit(b);
            let mut params = Vec::new();
            let compiled = cache
                .compile(&statement, &mut params, &mut |s| {
                    resolved.fetch_add(1, Ordering::Relaxed);
                    let statement = resolve(&s)?;
                    Ok(Resolved { statement, plan: Some(Arc::new("how to load".to_owned())) })
                })
                .unwrap();
            let got: Vec<Value> = params.iter().map(|p| p.as_ref().to_owned()).collect();
            assert_eq!(got, expect);
            assert_eq!(compiled.plan::<String>().unwrap(), "how to load");
            compiled
        };
        let mysql = cache.dialect().kind == DialectKind::MySql;
        let order = |a: &str, b: i64| -> Vec<Value> {
            let (a, b, none) = (a.into(), b.into(), "none".into());
            if mysql { vec![none, a, b] } else { vec![a, b, none] }
        };
        let first = run("a%", 1, &order("a%", 1));
        let second = run("b%", 2, &order("b%", 2));
        assert_eq!(first.id, second.id);
        assert_eq!(resolved.load(Ordering::Relaxed), 1);
        if !mysql {
            assert_eq!(
                &*first.sql,
                r#"SELECT "user"."id" FROM "user" WHERE EXISTS (SELECT 1 FROM "address" WHERE "address"."user_id" = "user"."id" AND "address"."email" <> ?3 AND "address"."email" LIKE ?1) LIMIT ?2"#
            );
        }
    }
}

#[test]
fn a_custom_node_that_nobody_resolves_is_an_error() {
    let cache = StatementCache::new(Dialect::sqlite(), 8);
    let has: Arc<dyn CustomNode> = Arc::new(Has { condition: Node::Null });
    let statement = select(Node::Custom(has));
    let error = cache.compile_plain(&statement, &mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}

/// A node that tells the key of a value, but does not let it be replaced.
#[test]
fn a_custom_node_out_of_step_is_an_error() {
    #[derive(Debug)]
    struct Careless(Node);
    impl CustomNode for Careless {
        fn key<'a>(&'a self, key: &mut KeyWriter<'a>) {
            key.node(&self.0);
        }
        fn as_any(&self) -> &dyn std::any::Any {
            self
        }
    }
    let cache = StatementCache::new(Dialect::sqlite(), 8);
    let careless: Arc<dyn CustomNode> = Arc::new(Careless(Node::literal(1_i64)));
    let statement = select((Node::Custom(careless), literal(2)));
    let error = cache.compile_plain(&statement, &mut Vec::new()).unwrap_err();
    assert!(error.message().contains("rebuilds"), "{error}");
}

#[test]
fn static_shapes_are_rendered_with_placeholders() {
    let statement =
        Statement::from(select(name()).filter(id().eq(param::<i64>(0)) & email().eq("constant")));
    let compiled = statement.render(&Dialect::postgres()).unwrap();
    assert!(compiled.sql.ends_with(r#"WHERE "user"."id" = $1 AND "address"."email" = $2"#));
    let mut params = vec![Bind::Owned(Value::I64(5))];
    compiled.arrange(&mut params);
    assert_eq!(params[1].as_ref(), ValueRef::Text("constant"));
}
