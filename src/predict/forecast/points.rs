//! The points that documentation or input leaves open, by name: an outcome says which of them it rests on.

/// One open point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Point {
    MemberOption,
    FirstUpdate,
    Move,
    AddOnly,
    Expression,
    Scope,
    Input,
    AnchorCase,
    GroupType,
}

impl Point {
    pub const ALL: [Point; 9] = [
        Point::MemberOption,
        Point::FirstUpdate,
        Point::Move,
        Point::AddOnly,
        Point::Expression,
        Point::Scope,
        Point::Input,
        Point::AnchorCase,
        Point::GroupType,
    ];
    /// The published name.
    pub fn as_str(self) -> &'static str {
        match self {
            Point::MemberOption => "membership-option",
            Point::FirstUpdate => "first-update",
            Point::Move => "move",
            Point::AddOnly => "add-only",
            Point::Expression => "expression",
            Point::Scope => "scope",
            Point::Input => "input",
            Point::AnchorCase => "anchor-case",
            Point::GroupType => "group-type",
        }
    }
    /// What is open.
    pub fn question(self) -> &'static str {
        match self {
            Point::MemberOption => {
                "Whether \"Provision membership to on-premises users\" is on. Off, the job writes no membership of synchronised users."
            }
            Point::FirstUpdate => {
                "Whether the first update of a matched group takes out members in AD that the job cannot write."
            }
            Point::Move => {
                "Whether a matched group moves when only its container differs: described for users, implied for groups."
            }
            Point::AddOnly => {
                "Whether the service obeys a mapping that applies at creation only, for name and container."
            }
            Point::Expression => "What a mapping gives: its expression or an attribute of the group leaves it open.",
            Point::Scope => "Whether the job takes the group.",
            Point::Input => "What the members are: the input has them on one side only, or not whole.",
            Point::AnchorCase => {
                "Whether the join regards letter case: the stamp differs from the anchor only in that."
            }
            Point::GroupType => "What the service does to a matched group that is no universal security group.",
        }
    }
    /// What settles it.
    pub fn settled_by(self) -> &'static str {
        match self {
            Point::MemberOption => {
                "Look at the configuration's scoping page in the portal, then say --accept \"E14=…\"."
            }
            Point::FirstUpdate | Point::Move | Point::AddOnly | Point::AnchorCase => {
                "Let a canary group show it before the first wave."
            }
            Point::Expression => {
                "Ask the tenant's own parseExpression, or collect the attributes that the mapping uses."
            }
            Point::Scope => "Collect the job's schema, its assignments and the attributes that its filter uses.",
            Point::Input => "Collect both member lists whole, with users and their identifiers.",
            Point::GroupType => "Convert the group to a universal security group first.",
        }
    }
}

/// A set of open points.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Points(u16);

impl Points {
    pub fn add(&mut self, point: Point) {
        self.0 |= 1 << point as u8;
    }
    pub fn has(self, point: Point) -> bool {
        self.0 & (1 << point as u8) != 0
    }
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
    pub fn iter(self) -> impl Iterator<Item = Point> {
        Point::ALL.into_iter().filter(move |p| self.has(*p))
    }
}
