//! Which object of the session a row stands for, by the key that the row has.

use aludel_sql::{Bad, Row, Value, ValueRef};
use smallvec::SmallVec;

use super::plan::EntityPlan;
use crate::instrumentation::{Field, Id};
use crate::session::Session;
use crate::session::identity::{Key, Place};

/// Finds the objects of rows of one class.
///
/// A database may keep a value in another form than its field has: SQLite has a date or a UUID as a text, and the
/// identity map knows what the field has. So a key that is not found as it came is asked for once more, as a field
/// would have it.
pub(super) struct RowKeys {
    class: u16,
    /// The fields of the key of an object with nothing set, once they are needed.
    fields: Option<Vec<Box<dyn Field>>>,
}

impl RowKeys {
    pub(super) fn new(class: u16) -> Self {
        Self { class, fields: None }
    }

    /// The object that stands for a row of a plan.
    pub(super) fn object_of(
        &mut self,
        session: &Session,
        plan: &EntityPlan,
        row: &dyn Row,
    ) -> Option<Id> {
        let values = plan.key.iter().map(|column| row.get(usize::from(*column)));
        let values: SmallVec<[ValueRef<'_>; 4]> = values.collect::<Result<_, Bad>>().ok()?;
        self.find(session, &values)
    }

    /// The object with a key as a row has it.
    pub(super) fn find(&mut self, session: &Session, values: &[ValueRef<'_>]) -> Option<Id> {
        let root = session.mappers.at(self.class).root;
        let found = session.identity.get(usize::from(root))?.get_refs(values);
        let place = match values {
            // Numbers are what they are.
            [ValueRef::I64(_)] => found,
            _ => found.or_else(|| self.find_typed(session, root, values)),
        }?;
        session.mappers.is_a(place.class, self.class).then(|| session.id_at(place))
    }

    fn find_typed(
        &mut self,
        session: &Session,
        root: u16,
        values: &[ValueRef<'_>],
    ) -> Option<Place> {
        let fields = self.fields.get_or_insert_with(|| {
            let mapper = session.mappers.at(self.class);
            let mut store = mapper.def.objects();
            store.put_default(0);
            let field = |attribute: &u16| store.get(0)?.field(*attribute).map(Field::clone_field);
            mapper.primary_key.iter().filter_map(field).collect()
        });
        let typed = fields.iter().zip(values).map(|(field, value)| {
            let field = field.with_value((*value).to_owned()).ok()?;
            Some(field.value())
        });
        let typed: SmallVec<[Value; 2]> = typed.collect::<Option<_>>()?;
        let key = match typed.as_slice() {
            [Value::I64(key)] => Key::Int(*key),
            values => Key::Values(values.into()),
        };
        session.identity.get(usize::from(root))?.get(&key)
    }
}
