//! Other names that are not said where the attribute is: by the mapping of a struct, and by a subclass of an attribute
//! of its base.

use aludel::orm::Datum;
use aludel::orm::attributes::HistoryItem;
use aludel::orm::events::AttributeEvent;
use aludel::prelude::*;
use aludel::sql::{Column, Node, Table};
use aludel::{ErrorKind, Value};

use crate::support::{Db, each};

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "jobs", polymorphic_on = kind, polymorphic_identity = "job")]
struct Job {
    #[column(primary_key)]
    id: Auto<i64>,
    #[mapped(synonym = label)]
    name: String,
    state: Option<String>,
    #[relationship(back_populates = "job", cascade = "all, delete-orphan")]
    tasks: Many<Task>,
    kind: String,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "builds", polymorphic_identity = "build")]
#[mapped(synonym(target: String = name), synonym(steps: Many<Task> = tasks))]
struct Build {
    #[mapped(base)]
    job: Job,
    minutes: i64,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(polymorphic_identity = "release")]
#[mapped(synonym(version: String = Job::label, took: i64 = minutes, goal: String = target))]
struct Release {
    #[mapped(base)]
    build: Build,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "tasks")]
struct Task {
    #[column(primary_key)]
    id: Auto<i64>,
    what: String,
    #[column(foreign_key = "jobs.id")]
    job_id: Option<i64>,
    #[relationship(back_populates = "tasks")]
    job: One<Job>,
}

fn registry() -> Registry {
    let registry = Registry::new();
    // `map_column=True`: the attribute stands for the column `status`, and its synonym has the column's name.
    let table = Table::build("jobs")
        .column(Column::of::<i64>("id").primary_key())
        .column(Column::of::<String>("name").not_null())
        .column(Column::of::<String>("status").nullable())
        .column(Column::of::<String>("kind").not_null())
        .finish()
        .unwrap();
    let mut jobs = registry.map::<Job>();
    jobs.table(table).property("state", "status").synonym("status", "state");
    // A synonym of a synonym, said before that one.
    jobs.synonym("heading", "title").synonym("title", "name").synonym("parts", "tasks");
    jobs.finish().unwrap();
    registry.map::<Build>().synonym("duration", "minutes").finish().unwrap();
    registry.register::<Release>().unwrap();
    registry
}

fn task(what: &str) -> Task {
    Task { what: what.into(), ..Task::default() }
}

#[test]
fn said_by_the_mapping() {
    each("synonyms_said", registry, |db| {
        let job = db.add(Job { name: "one".into(), ..Job::default() }).unwrap();
        db.commit().unwrap();
        db.set_named(job, "title", "two").unwrap();
        assert_eq!(db.get_named(job, "heading").unwrap(), Some(Datum::Value("two".into())));
        let history = db.history_named(job, "heading").unwrap();
        assert_eq!(history.deleted(), [HistoryItem::Value("one".into())]);
        db.set_named(job, "status", "done").unwrap();
        assert_eq!(db[job].state.as_deref(), Some("done"));
        let part = db.add(task("a")).unwrap();
        db.append_named(job, "parts", part.id(), None).unwrap();
        assert_eq!(db[part].job.get(), Some(job));
        db.flag_modified_named(job, "title").unwrap();
        db.commit().unwrap();
        db.expire_named(job, &["title"]).unwrap();
        assert!(!db.is_loaded_named(job, "name").unwrap());
        assert_eq!(db.raw("SELECT status FROM jobs"), [[Value::from("done")]]);

        let entity = db.entity_named("Job").unwrap();
        let done = entity.value("status", "done".into()).unwrap();
        let done = Node::eq(entity.attr("status").unwrap(), done);
        let with_parts = entity.any("parts", None, Vec::new()).unwrap();
        let query = db.query_named("Job").unwrap().filter(done).filter(with_parts);
        assert_eq!(db.all_of(query), [job.id()]);
        let error = db.get_named(job, "titel").unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Unmapped, "class Job has no attribute `titel`; did you mean `title`?")
        );
    });
}

#[test]
fn subclasses_have_what_the_mapping_of_their_base_says() {
    let db = Db::new(registry());
    let mappers = db.registry.mappers();
    let synonyms = |class: &str| {
        let all = mappers.named(class).unwrap().synonyms();
        all.map(|(name, of)| format!("{name}={of}")).collect::<Vec<_>>()
    };
    let of_job = ["label=name", "status=state", "heading=title", "title=name", "parts=tasks"];
    let of_build = ["target=name", "steps=tasks", "duration=minutes"];
    let of_release = ["version=label", "took=minutes", "goal=target"];
    assert_eq!(synonyms("Job"), of_job);
    assert_eq!(synonyms("Build"), [&of_build[..], &of_job[..]].concat());
    assert_eq!(synonyms("Release"), [&of_release[..], &of_build[..], &of_job[..]].concat());
    let release = mappers.named("Release").unwrap();
    assert_eq!(release.attribute("heading"), release.attribute("name"));
    assert_eq!(release.attribute("duration"), release.attribute("minutes"));
    assert!(mappers.named("Job").unwrap().attribute("target").is_none());
}

#[test]
fn of_a_subclass_they_are_typed() {
    each("synonyms_sub", registry, |db| {
        let build = Job { name: "app".into(), ..Job::default() };
        let release = Release { build: Build { job: build, minutes: 3 } };
        let release = db.add(release).unwrap();
        db.commit().unwrap();
        db.set(release, Build::target, "lib").unwrap();
        assert_eq!(db.history(release, Release::goal).unwrap().deleted(), ["app"]);
        db.set(release, Release::version, "2.0").unwrap();
        db.update(release, Release::took, |minutes| *minutes += 1).unwrap();
        db.append(release, Build::steps, task("link")).unwrap();
        assert_eq!((&*db[release].name, db[release].minutes), ("2.0", 4));
        assert_eq!(db.get_named(release, "version").unwrap(), Some(Datum::Value("2.0".into())));
        assert_eq!(Release::ATTRS.goal.index(), Job::name.index());
        db.commit().unwrap();

        let query = select::<Release>()
            .filter(Release::version.eq("2.0") & Release::took.gt(3))
            .filter(Build::steps.any(Task::what.eq("link")))
            .order_by(Build::target);
        assert_eq!(db.all(query).unwrap(), [release]);
        let names = db.rows(select::<Build>().columns(Build::target)).unwrap();
        assert_eq!(names, ["2.0"]);
        db.renew();
        let found = db.one(select::<Release>().options(selectin(Build::steps))).unwrap();
        assert_eq!(db[found].tasks.len(), 1);
    });
}

#[test]
fn listeners_and_validators_are_told_by_them() {
    let registry = Registry::new();
    let mut jobs = registry.map::<Job>();
    jobs.synonym("title", "name");
    jobs.finish().unwrap();
    let mut db = Db::new(registry);
    db.on(AttributeEvent::Set.of_named("Job", "title"), |_, change| {
        if let Some(name) = change.value::<String>() {
            *name = name.to_uppercase();
        }
        Ok(())
    })
    .unwrap();
    let job = db.add(Job { name: "one".into(), ..Job::default() }).unwrap();
    db.set(job, Job::name, "two").unwrap();
    assert_eq!(db[job].name, "TWO");
}

#[test]
fn one_of_nothing_and_one_that_is_taken_are_refused() {
    for (name, of, said) in [
        (
            "title",
            "nam",
            "class `Job`, attribute `title`: it is a synonym of `nam`, which does not exist; did you mean `name`?",
        ),
        (
            "title",
            "title",
            "class `Job`, attribute `title`: it is a synonym of `title`, which does not exist",
        ),
        (
            "state",
            "name",
            "class `Job`, attribute `state`: it is to be a synonym, and the class has an attribute of this name",
        ),
    ] {
        let registry = Registry::new();
        let mut jobs = registry.map::<Job>();
        let error = jobs.synonym(name, of).finish().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.message().contains(said), "{error}");
    }
    // Those of a description that go in circles are looked up before it is configured.
    let registry = Registry::new();
    let note = registry.describe("Note").table("notes");
    let note = note.column::<Auto<i64>>("id", |c| c.primary_key());
    let note = note.synonym("a", "b").synonym("b", "a").finish().unwrap();
    assert_eq!(note.attr::<i64>("a").unwrap_err().kind(), ErrorKind::Unmapped);
    assert_eq!(registry.configure().unwrap_err().kind(), ErrorKind::Configuration);
}
