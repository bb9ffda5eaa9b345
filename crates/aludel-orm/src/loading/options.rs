//! Loader options: what a query loads along, and what it leaves out.

use std::marker::PhantomData;
use std::sync::Arc;

use aludel_sql::KeyWriter;

use crate::instrumentation::entity::{Entity, write_class};
use crate::instrumentation::{
    Attr, AttributeKey, ClassDef, FieldType, IsA, Lazy, Loadable, Mapped, RelationshipField,
};

/// How a relationship is loaded.
#[derive(Clone, Debug)]
pub(crate) enum Strategy {
    /// When it is asked for.
    Lazy,
    /// For all owners at once, by their keys.
    SelectIn,
    /// With the row, by a left join of its own.
    Joined,
    /// For all owners at once, by the query that gave them.
    Subquery,
    /// For each owner at once, when it is loaded.
    Immediate,
    /// Never: asking for it is an error.
    Raise,
    /// From the identity map: asking for it is an error where that takes SQL.
    RaiseOnSql,
    /// With the row, from a join of the query: of the entity that stands for the objects there, or of their class
    /// under its own name.
    Contains(Option<Entity>),
}

/// A relationship's option, with those for the objects that it leads to.
#[derive(Clone, Debug)]
pub(crate) struct RelationshipOption {
    pub(crate) class: &'static ClassDef,
    pub(crate) attribute: u16,
    pub(crate) how: Strategy,
    pub(crate) below: Vec<LoadOption>,
}

/// An option of a query.
#[derive(Clone, Debug)]
pub(crate) enum LoadOption {
    Relationship(RelationshipOption),
    /// Every relationship without an option of its own is loaded so.
    Others(Strategy),
    /// The objects of a hierarchy, by its root, led here: what mappings say of relationships is not followed
    /// back to them.
    Above(&'static ClassDef),
    Defer {
        class: &'static ClassDef,
        attribute: u16,
        raise: bool,
    },
    Undefer {
        class: &'static ClassDef,
        attribute: u16,
    },
    UndeferGroup(Arc<str>),
    LoadOnly {
        class: &'static ClassDef,
        attributes: Vec<u16>,
    },
    /// The columns of these subclasses, by a SELECT for each.
    Polymorphic(Vec<&'static ClassDef>),
    /// The columns of this subclass, by joining its tables.
    Along(&'static ClassDef),
}

impl Strategy {
    /// What a mapping says; nothing of what is never loaded.
    pub(super) fn of(lazy: Lazy) -> Option<Self> {
        Some(match lazy {
            Lazy::Select => Self::Lazy,
            Lazy::SelectIn => Self::SelectIn,
            Lazy::Joined => Self::Joined,
            Lazy::Subquery => Self::Subquery,
            Lazy::Immediate => Self::Immediate,
            Lazy::Raise => Self::Raise,
            Lazy::RaiseOnSql => Self::RaiseOnSql,
            Lazy::WriteOnly => return None,
        })
    }

    /// Whether it is loaded once the rows of the owners are there.
    pub(super) fn is_after(&self) -> bool {
        matches!(self, Self::SelectIn | Self::Subquery | Self::Immediate)
    }

    fn key<'a>(&'a self, key: &mut KeyWriter<'a>) {
        key.token(match self {
            Self::Lazy => 0,
            Self::SelectIn => 1,
            Self::Joined => 2,
            Self::Subquery => 3,
            Self::Immediate => 4,
            Self::Raise => 5,
            Self::Contains(_) => 6,
            Self::RaiseOnSql => 7,
        });
        match self {
            Self::Contains(Some(entity)) => entity.key(key),
            // No class is written as zero.
            Self::Contains(None) => key.number(0),
            _ => {}
        }
    }
}

impl LoadOption {
    pub(crate) fn key<'a>(&'a self, key: &mut KeyWriter<'a>) {
        match self {
            Self::Relationship(option) => {
                key.token(u32::from(option.attribute) << 8);
                write_class(key, option.class);
                option.how.key(key);
                keys(&option.below, key);
            }
            Self::Others(how) => {
                key.token(1);
                how.key(key);
            }
            Self::Above(class) => {
                key.token(8);
                write_class(key, class);
            }
            Self::Defer { class, attribute, raise } => {
                key.token((u32::from(*attribute) << 8) | (2 + u32::from(*raise)));
                write_class(key, class);
            }
            Self::Undefer { class, attribute } => {
                key.token(u32::from(*attribute) << 8 | 4);
                write_class(key, class);
            }
            Self::UndeferGroup(name) => {
                key.token(5);
                key.text(name);
            }
            Self::LoadOnly { class, attributes } => {
                key.token((attributes.len() as u32) << 8 | 6);
                write_class(key, class);
                attributes.iter().for_each(|a| key.token(u32::from(*a)));
            }
            Self::Polymorphic(classes) => {
                key.token((classes.len() as u32) << 8 | 7);
                classes.iter().for_each(|class| write_class(key, class));
            }
            Self::Along(class) => {
                key.token(9);
                write_class(key, class);
            }
        }
    }
}

/// Writes options, with their number.
pub(crate) fn keys<'a>(options: &'a [LoadOption], key: &mut KeyWriter<'a>) {
    key.token(options.len() as u32);
    options.iter().for_each(|option| option.key(key));
}

/// An option that leads from class `R` along relationships to class `T`, made by [`selectin`], [`joined`] and
/// their kin. Its methods of the same names go on from there; [`then`](Self::then) gives options for the objects
/// that it leads to without going on.
///
/// ```
/// # include!("../fixtures/doc_models.rs");
/// # fn main() {}
/// # fn example() -> Select<User> {
/// select::<User>().options(selectin(User::orders).joined(Order::items))
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Load<R, T> {
    path: Vec<RelationshipOption>,
    classes: PhantomData<fn() -> (R, T)>,
}

impl<R, T> Load<R, T> {
    fn go<C: Mapped, V: RelationshipField + Loadable>(
        mut path: Vec<RelationshipOption>,
        attribute: Attr<C, V>,
        how: Strategy,
    ) -> Load<R, V::Target> {
        let (class, attribute) = (attribute.class(), attribute.index());
        path.push(RelationshipOption { class, attribute, how, below: Vec::new() });
        Load { path, classes: PhantomData }
    }

    fn below(mut self, option: LoadOption) -> Self {
        if let Some(tip) = self.path.last_mut() {
            tip.below.push(option);
        }
        self
    }

    fn into_option(self) -> Option<LoadOption> {
        let mut path = self.path.into_iter().rev();
        let tip = path.next()?;
        let root = path.fold(tip, |below, mut above| {
            above.below.push(LoadOption::Relationship(below));
            above
        });
        Some(LoadOption::Relationship(root))
    }

    /// The objects that it leads to are taken as those of a subclass: what follows is about these, and its columns are
    /// read [along]. The others come as well, without columns of their own. Of [`contains_eager`], the query has joined
    /// the subclass.
    ///
    /// ```
    /// # use aludel_derive::Mapped;
    /// # use aludel_orm::*;
    /// # fn main() {}
    /// # #[derive(Mapped, Clone, Debug, Default)]
    /// # #[mapped(crate = aludel_orm, table = "companies")]
    /// # struct Company {
    /// #     #[column(primary_key)]
    /// #     id: Auto<i64>,
    /// #     #[relationship(back_populates = "company")]
    /// #     employees: Many<Employee>,
    /// # }
    /// # #[derive(Mapped, Clone, Debug, Default)]
    /// # #[mapped(crate = aludel_orm)]
    /// # #[mapped(table = "employees", polymorphic_on = "kind", polymorphic_identity = "employee")]
    /// # #[mapped(subclasses(Manager))]
    /// # struct Employee {
    /// #     #[column(primary_key)]
    /// #     id: Auto<i64>,
    /// #     kind: String,
    /// #     #[column(foreign_key = "companies.id")]
    /// #     company_id: Option<i64>,
    /// #     #[relationship(back_populates = "employees")]
    /// #     company: One<Company>,
    /// # }
    /// # #[derive(Mapped, Clone, Debug, Default)]
    /// # #[mapped(crate = aludel_orm, table = "managers", polymorphic_identity = "manager")]
    /// # struct Manager {
    /// #     #[mapped(base)]
    /// #     employee: Employee,
    /// #     level: i64,
    /// # }
    /// # fn example() -> Select<Company> {
    /// // Two statements: the companies, and all employees with what managers have more.
    /// select::<Company>().options(selectin(Company::employees).of_type::<Manager>())
    /// # }
    /// ```
    pub fn of_type<S: Mapped + IsA<T>>(mut self) -> Load<R, S> {
        if let Some(tip) = self.path.last_mut() {
            match &mut tip.how {
                Strategy::Contains(Some(_)) => {}
                Strategy::Contains(joined) => *joined = Some(Entity::of(S::class())),
                _ => tip.below.push(LoadOption::Along(S::class())),
            }
        }
        Load { path: self.path, classes: PhantomData }
    }

    /// Options for the objects that it leads to.
    pub fn then(self, options: impl IntoOptions<T>) -> Self {
        let mut list = Options(Vec::new());
        options.into_options(&mut list);
        list.0.into_iter().fold(self, Self::below)
    }
}

macro_rules! strategies {
    ($($(#[$doc:meta])* $name:ident $how:ident;)*) => {
        $(
            $(#[$doc])*
            pub fn $name<C: Mapped, V: RelationshipField + Loadable>(attribute: Attr<C, V>) -> Load<C, V::Target> {
                Load::<C, C>::go(Vec::new(), attribute, Strategy::$how)
            }
        )*

        impl<R, T> Load<R, T> {
            $(
                $(#[$doc])*
                pub fn $name<C: Mapped, V: RelationshipField + Loadable>(self, attribute: Attr<C, V>) -> Load<R, V::Target>
                where
                    T: IsA<C>,
                {
                    Self::go(self.path, attribute, Strategy::$how)
                }
            )*
        }
    };
}

strategies! {
    /// Loads a relationship of all objects of the query by one more SELECT, by their keys (1,000 at a time).
    selectin SelectIn;
    /// Loads a relationship with the query itself, by a left join that the query's own conditions do not see.
    joined Joined;
    /// Loads a relationship of all objects of the query by one more SELECT, over the query itself.
    subquery Subquery;
    /// Loads a relationship of each object by a SELECT of its own.
    immediate Immediate;
    /// Leaves a relationship to be loaded when it is asked for; the default.
    lazy Lazy;
    /// Makes it an error to load a relationship of these objects later.
    raise Raise;
    /// Makes it an error to load a relationship of these objects later where that takes SQL: what the identity
    /// map has may be asked for.
    raise_on_sql RaiseOnSql;
}

/// Takes the rows of a [`join`](super::Select::join) of the query as all that a relationship has.
pub fn contains_eager<C: Mapped, V: RelationshipField + Loadable>(
    attribute: Attr<C, V>,
) -> Load<C, V::Target> {
    Load::<C, C>::go(Vec::new(), attribute, Strategy::Contains(None))
}

/// As [`contains_eager`], for a class joined under another name: that of the related objects, or a subclass.
pub fn contains_eager_as<C: Mapped, V: RelationshipField + Loadable, S: IsA<V::Target>>(
    attribute: Attr<C, V>,
    target: &super::AliasOf<S>,
) -> Load<C, S> {
    let how = Strategy::Contains(Some(target.entity.clone()));
    let Load { path, .. } = Load::<C, C>::go(Vec::new(), attribute, how);
    Load { path, classes: PhantomData }
}

impl<R, T> Load<R, T> {
    /// Takes the rows of a join of the query as all that a relationship has.
    pub fn contains_eager<C: Mapped, V: RelationshipField + Loadable>(
        self,
        attribute: Attr<C, V>,
    ) -> Load<R, V::Target>
    where
        T: IsA<C>,
    {
        Self::go(self.path, attribute, Strategy::Contains(None))
    }

    /// As [`contains_eager`](Self::contains_eager), for a class joined under another name.
    pub fn contains_eager_as<C: Mapped, V: RelationshipField + Loadable, S: IsA<V::Target>>(
        self,
        attribute: Attr<C, V>,
        target: &super::AliasOf<S>,
    ) -> Load<R, S>
    where
        T: IsA<C>,
    {
        let how = Strategy::Contains(Some(target.entity.clone()));
        let Load { path, .. } = Self::go(self.path, attribute, how);
        Load { path, classes: PhantomData }
    }
}

/// An option about the columns of class `C`; see [`defer`], [`undefer`], [`load_only`].
#[derive(Clone, Debug)]
#[must_use]
pub struct ColumnOption<C> {
    option: LoadOption,
    class: PhantomData<fn() -> C>,
}

impl<C> ColumnOption<C> {
    fn new(option: LoadOption) -> Self {
        Self { option, class: PhantomData }
    }
}

/// Leaves a column out of the query; it is loaded when it is asked for.
pub fn defer<C: Mapped, V: FieldType>(attribute: Attr<C, V>) -> ColumnOption<C> {
    ColumnOption::new(LoadOption::Defer {
        class: attribute.class(),
        attribute: attribute.index(),
        raise: false,
    })
}

/// Leaves a column out of the query, and makes it an error to load it later.
pub fn defer_raise<C: Mapped, V: FieldType>(attribute: Attr<C, V>) -> ColumnOption<C> {
    ColumnOption::new(LoadOption::Defer {
        class: attribute.class(),
        attribute: attribute.index(),
        raise: true,
    })
}

/// Loads a deferred column with the query.
pub fn undefer<C: Mapped, V: FieldType>(attribute: Attr<C, V>) -> ColumnOption<C> {
    ColumnOption::new(LoadOption::Undefer {
        class: attribute.class(),
        attribute: attribute.index(),
    })
}

/// Loads the deferred columns of a group with the query.
pub fn undefer_group<C: Mapped>(group: &str) -> ColumnOption<C> {
    ColumnOption::new(LoadOption::UndeferGroup(group.into()))
}

/// Loads these columns, and the primary key, and leaves the others out.
pub fn load_only<C: Mapped>(
    attributes: impl IntoIterator<Item = impl Into<AttributeKey<C>>>,
) -> ColumnOption<C> {
    let attributes: Vec<AttributeKey<C>> = attributes.into_iter().map(Into::into).collect();
    let class = attributes.iter().find_map(|a| a.described).unwrap_or_else(C::class);
    let attributes = attributes.iter().map(|a| a.index).collect();
    ColumnOption::new(LoadOption::LoadOnly { class, attributes })
}

/// How every relationship is loaded that has no option of its own: SQLAlchemy's wildcard, `raiseload("*")` being
/// `others(Lazy::Raise)`. What mappings say does not count then. It is about the objects of the query; about
/// those that an option leads to it is said by [`Load::then`]. [`Lazy::WriteOnly`] says nothing.
pub fn others<C: Mapped>(how: Lazy) -> ColumnOption<C> {
    ColumnOption::new(LoadOption::Others(Strategy::of(how).unwrap_or(Strategy::Lazy)))
}

/// Loads the columns that a subclass adds, of the objects that are of it, by one more SELECT.
pub fn selectin_polymorphic<C, S: Mapped + IsA<C>>() -> ColumnOption<C> {
    ColumnOption::new(LoadOption::Polymorphic(vec![S::class()]))
}

/// Reads the columns that a subclass adds along, of the objects that are of it, by joining its tables: SQLAlchemy's
/// `with_polymorphic`, for the objects that an option leads to. `selectin(Company::employees).then((along::<Employee,
/// Manager>(), along::<Employee, Engineer>()))` is one statement for the employees with all that these have.
///
/// Where the tables cannot be joined, because the program has written the joins, it is one more SELECT.
pub fn along<C, S: Mapped + IsA<C>>() -> ColumnOption<C> {
    ColumnOption::new(LoadOption::Along(S::class()))
}

/// Options being collected.
#[derive(Debug)]
pub struct Options(pub(crate) Vec<LoadOption>);

/// One option, or a tuple or vector of them, that make sense for objects of class `T`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no loader option for objects of class `{T}`",
    label = "not an option for `{T}`"
)]
pub trait IntoOptions<T> {
    /// Adds the options to a list.
    #[doc(hidden)]
    fn into_options(self, to: &mut Options);
}

impl<T: IsA<R>, R, X> IntoOptions<T> for Load<R, X> {
    fn into_options(self, to: &mut Options) {
        to.0.extend(self.into_option());
    }
}

impl<T: IsA<C>, C> IntoOptions<T> for ColumnOption<C> {
    fn into_options(self, to: &mut Options) {
        to.0.push(self.option);
    }
}

impl<T, O: IntoOptions<T>> IntoOptions<T> for Vec<O> {
    fn into_options(self, to: &mut Options) {
        self.into_iter().for_each(|option| option.into_options(to));
    }
}

macro_rules! tuples {
    ($($name:ident),*) => {
        impl<T, $($name: IntoOptions<T>),*> IntoOptions<T> for ($($name,)*) {
            #[allow(non_snake_case)]
            fn into_options(self, to: &mut Options) {
                let ($($name,)*) = self;
                $($name.into_options(to);)*
            }
        }
    };
}
tuples!(A, B);
tuples!(A, B, D);
tuples!(A, B, D, E);
tuples!(A, B, D, E, F);
tuples!(A, B, D, E, F, G);
tuples!(A, B, D, E, F, G, H);
tuples!(A, B, D, E, F, G, H, I);
