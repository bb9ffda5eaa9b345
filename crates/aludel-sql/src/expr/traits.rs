//! What kinds of types there are, for methods that make sense for some only.

use std::borrow::Cow;

use crate::ColumnType;

/// Types that are text to the database.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not text",
    label = "this expression has no text methods",
    note = "implement `aludel::TextType` for a type of your own whose column is text, or use \
            `.cast::<String>()`"
)]
pub trait TextType {}

impl TextType for String {}
impl TextType for Box<str> {}
impl TextType for Cow<'static, str> {}
impl TextType for char {}
impl<T: TextType> TextType for Option<T> {}

/// Types that are numbers to the database.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a number",
    label = "this expression has no arithmetic",
    note = "implement `aludel::NumberType` for a type of your own whose column is a number, or use \
            `.cast::<_>()`"
)]
pub trait NumberType {
    /// The type of a sum.
    type Sum: ColumnType;
    /// The type of an average.
    type Average: ColumnType;
}

macro_rules! numbers {
    ($($t:ty),* => $sum:ty, $average:ty) => {$(
        impl NumberType for $t {
            type Sum = $sum;
            type Average = $average;
        }
    )*};
}

numbers!(i8, i16, i32, i64, u8, u16, u32, u64 => i64, f64);
numbers!(f32, f64 => f64, f64);
#[cfg(feature = "decimal")]
numbers!(rust_decimal::Decimal => rust_decimal::Decimal, rust_decimal::Decimal);

impl<T: NumberType> NumberType for Option<T> {
    type Sum = T::Sum;
    type Average = T::Average;
}
