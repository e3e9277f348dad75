//! Three-valued conditions (Kleene): what the input cannot tell stays open through "and", "or" and "not".

use crate::directory::inventory::Tri;
use std::ops::{BitAnd, BitOr, Not};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    No,
    Maybe,
    Yes,
}

impl Truth {
    pub fn of(value: bool) -> Self {
        if value { Truth::Yes } else { Truth::No }
    }
    /// The property is true; null and false are not.
    pub fn is_true(value: Tri) -> Self {
        match value {
            Tri::Absent => Truth::Maybe,
            Tri::True => Truth::Yes,
            Tri::Null | Tri::False => Truth::No,
        }
    }
    pub fn is_null(value: Tri) -> Self {
        match value {
            Tri::Absent => Truth::Maybe,
            Tri::Null => Truth::Yes,
            Tri::True | Tri::False => Truth::No,
        }
    }
}

impl BitAnd for Truth {
    type Output = Truth;
    fn bitand(self, other: Truth) -> Truth {
        match (self, other) {
            (Truth::No, _) | (_, Truth::No) => Truth::No,
            (Truth::Yes, Truth::Yes) => Truth::Yes,
            _ => Truth::Maybe,
        }
    }
}

impl BitOr for Truth {
    type Output = Truth;
    fn bitor(self, other: Truth) -> Truth {
        !(!self & !other)
    }
}

impl Not for Truth {
    type Output = Truth;
    fn not(self) -> Truth {
        match self {
            Truth::No => Truth::Yes,
            Truth::Maybe => Truth::Maybe,
            Truth::Yes => Truth::No,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Truth::{Maybe, No, Yes};

    #[test]
    fn tables() {
        for (a, b, and, or) in [
            (No, No, No, No),
            (No, Maybe, No, Maybe),
            (No, Yes, No, Yes),
            (Maybe, Maybe, Maybe, Maybe),
            (Maybe, Yes, Maybe, Yes),
            (Yes, Yes, Yes, Yes),
        ] {
            assert_eq!((a & b, b & a, a | b, b | a), (and, and, or, or), "{a:?} {b:?}");
        }
        assert_eq!((!No, !Maybe, !Yes), (Yes, Maybe, No));
    }
}
