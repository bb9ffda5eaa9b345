use aludel::prelude::*;

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "intervals")]
pub struct Interval {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub start: i64,
    pub end: i64,
    pub name: Option<String>,
    pub parts: Many<Part>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "parts")]
pub struct Part {
    #[column(primary_key)]
    pub id: Auto<i64>,
    #[column(foreign_key = "intervals.id")]
    pub interval_id: Option<i64>,
}

// What a body cannot say.
#[hybrids]
impl Interval {
    #[hybrid]
    fn kind(&self) -> &str {
        match self.start {
            0 => "first",
            _ => "other",
        }
    }

    #[hybrid]
    fn bytes(&self) -> usize {
        self.name.as_ref().map_or(0, |name| name.len())
    }

    #[hybrid]
    fn doubled(&self) -> i64 {
        self.helper() * 2
    }

    fn helper(&self) -> i64 {
        self.end
    }

    #[hybrid(setter = Self::set)]
    fn begin(&self) -> i64 {
        self.start
    }

    #[hybrid]
    fn change(&mut self) -> i64 {
        self.start
    }

    #[hybrid(expression = Self::start + Self::name)]
    fn sum(&self) -> i64 {
        self.start
    }

    #[hybrid]
    fn many(&self) -> bool {
        self.parts.is_empty()
    }
}

fn use_them(session: &mut Session, interval: Handle<Interval>, part: Handle<Part>) {
    // Those that were refused are there all the same.
    let _ = select::<Interval>().filter(Interval::kind.eq("first") & Interval::doubled.gt(2));
    // A value of another type, and an object of another class.
    let _ = select::<Interval>().filter(Interval::begin.eq("x"));
    let _ = session.set(interval, Interval::begin, "x");
    let _ = session.set(part, Interval::begin, 1);
}

fn main() {}
