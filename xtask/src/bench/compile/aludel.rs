//! The application on aludel.

use super::Shape;
use crate::run;

pub(super) fn dependencies() -> String {
    format!("aludel = {{ path = {:?} }}\n", run::root())
}

pub(super) fn main(shape: &Shape) -> String {
    let calls: String = (0..shape.classes)
        .map(|n| format!("    found += class{n}::work(&mut session)?;\n"))
        .collect();
    format!(
        "fn main() -> aludel::Result<()> {{
    let engine = aludel::Engine::connect_blocking(\"sqlite::memory:\")?;
    let mut session = aludel::blocking::Session::new(&engine);
    let mut found = 0;
{calls}    println!(\"{{found}}\");
    Ok(())
}}
"
    )
}

pub(super) fn class(shape: &Shape, class: usize) -> String {
    let columns: String = shape.fields();
    let (mut uses, mut related, mut options) = (String::new(), String::new(), String::new());
    for before in shape.parents(class) {
        uses += &format!("use crate::class{before}::Class{before};\n");
        related += &format!(
            "    #[column(foreign_key = \"class{before}.id\")]
    pub parent{before}_id: Option<i64>,
    #[relationship(back_populates = \"children{class}\")]
    pub parent{before}: One<Class{before}>,
"
        );
    }
    for after in shape.children(class) {
        uses += &format!("use crate::class{after}::Class{after};\n");
        related += &format!(
            "    #[relationship(back_populates = \"parent{class}\", cascade = \"all, delete-orphan\")]
    pub children{after}: Many<Class{after}>,
"
        );
        options += &format!(".options(selectin(Class{class}::children{after}))");
    }
    let name = format!("Class{class}");
    format!(
        "use aludel::prelude::*;
{uses}
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = \"class{class}\")]
pub struct {name} {{
    #[column(primary_key)]
    pub id: Auto<i64>,
{columns}{related}}}

pub fn work(session: &mut aludel::blocking::Session) -> aludel::Result<usize> {{
    let one = session.add({name} {{ c0: \"new\".into(), ..{name}::default() }})?;
    session.flush()?;
    let query = select::<{name}>().filter({name}::c0.eq(\"new\") & {name}::c1.gt(3));
    let found = session.all(query.order_by({name}::id){options})?;
    session.set(one, {name}::c0, \"changed\".to_owned())?;
    session.flush()?;
    session.delete(one)?;
    session.commit()?;
    Ok(found.len())
}}
"
    )
}
