//! What the synthetic tenant holds, as pure functions of a seed and a number: user 17 is the same user for whoever asks,
//! so the AD side and the Entra side agree without either keeping a list. Arithmetic is whole numbers and IEEE-exact
//! square roots, so one seed gives the same tenant on every machine.

/// How large a tenant, and which one.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub groups: u64,
    /// Direct memberships in Entra.
    pub memberships: u64,
    pub users: u64,
    pub seed: u64,
}

/// What is wrong with a group: the rule conditions that the 5 % of faulty groups are spread over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    GlobalScope,
    Distribution,
    NoAnchor,
    MalformedAnchor,
    Orphan,
    SoftDeleted,
    Disabled,
    OtherEdoi,
    DuplicateEdoi,
    UserEdoi,
    MailEnabled,
    Unified,
    UnifiedSecurity,
    Mail,
    DriftMissing,
    DriftExtra,
    DeviceMember,
    SyncedGroupMember,
    RoleAssignable,
    Synced,
    Paused,
    Protected,
    NoAdObject,
}

impl Fault {
    pub const ALL: [Fault; 23] = [
        Fault::GlobalScope,
        Fault::Distribution,
        Fault::NoAnchor,
        Fault::MalformedAnchor,
        Fault::Orphan,
        Fault::SoftDeleted,
        Fault::Disabled,
        Fault::OtherEdoi,
        Fault::DuplicateEdoi,
        Fault::UserEdoi,
        Fault::MailEnabled,
        Fault::Unified,
        Fault::UnifiedSecurity,
        Fault::Mail,
        Fault::DriftMissing,
        Fault::DriftExtra,
        Fault::DeviceMember,
        Fault::SyncedGroupMember,
        Fault::RoleAssignable,
        Fault::Synced,
        Fault::Paused,
        Fault::Protected,
        Fault::NoAdObject,
    ];
}

/// How a group came by its CN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// `Group_<objectId>`, Connect's default.
    Anchor,
    /// `<displayName>_<last twelve of objectId>`, with "Writeback Group Distinguished Name with cloud Display Name" on.
    DisplayName,
    /// The bare display name, renamed by hand.
    ByHand,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserKind {
    Synced,
    /// No AD account.
    CloudOnly,
    /// Synchronised, but Entra has no onPremisesObjectIdentifier.
    NoIdentifier,
}

#[derive(Debug, Clone, Copy)]
pub struct User {
    pub number: u64,
    pub id: u128,
    pub guid: u128,
    pub rid: u32,
    pub kind: UserKind,
    /// For choices that have no meaning of their own: name, city.
    pub dice: u64,
}

#[derive(Debug, Clone, Copy)]
pub struct Group {
    pub number: u64,
    pub id: u128,
    pub guid: u128,
    pub rid: u32,
    pub fault: Option<Fault>,
    pub era: Era,
    /// EDOI is stamped already.
    pub stamped: bool,
    /// Direct members in Entra.
    pub members: u64,
    pub dice: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    User(u64),
    Group(u64),
    /// A group synchronised from AD.
    SyncedGroup(u64),
    Device(u128),
}

/// The largest group: enough to have some above the limit of 50,000 members in a large tenant.
const LARGEST: f64 = 60_000.0;
/// Relative ids of users, written-back groups and synchronised groups follow one another from here.
const FIRST_RID: u32 = 10_000;
const FAULTS_PER_1000: u64 = 50;

pub struct Plan {
    pub size: Size,
    scale: f64,
    cap: f64,
    /// Groups synchronised from AD beside the written-back ones.
    pub synced_groups: u64,
}

impl Plan {
    pub fn new(size: Size) -> Result<Self, String> {
        if size.groups == 0 || size.users < 16 {
            return Err("at least one group and 16 users are needed".to_owned());
        }
        if size.groups > 1 << 30 || size.users > 1 << 30 {
            return Err("at most 2^30 groups and users".to_owned());
        }
        let cap = LARGEST.min((size.users / 2) as f64);
        let mut plan = Plan { size, scale: 0.0, cap, synced_groups: (size.groups / 1000).max(1) };
        let wanted = size.memberships as f64;
        let most = plan.total(f64::INFINITY);
        if wanted > most {
            return Err(format!("{} groups and {} users bear at most {most} memberships", size.groups, size.users));
        }
        let (mut low, mut high) = (0.0, cap);
        for _ in 0..60 {
            let middle = (low + high) / 2.0;
            if plan.total(middle) < wanted { low = middle } else { high = middle }
        }
        plan.scale = high;
        Ok(plan)
    }

    /// Memberships if the sizes' distribution is stretched by `scale`.
    fn total(&self, scale: f64) -> f64 {
        (0..self.size.groups).map(|g| self.weighted(g, scale)).sum()
    }

    /// A Pareto distribution with exponent 4/3: few large groups, many small ones; 2 % have no member.
    fn weighted(&self, number: u64, scale: f64) -> f64 {
        let dice = self.dice(Stream::Members, number);
        if dice.is_multiple_of(50) {
            return 0.0;
        }
        let uniform = ((dice >> 11) + 1) as f64 / (1u64 << 53) as f64;
        let root = uniform.sqrt();
        (scale / (root * root.sqrt())).min(self.cap)
    }

    /// Every written-back group in order; the sizes add up to the wanted memberships.
    pub fn groups(&self) -> impl Iterator<Item = Group> + '_ {
        let mut sum = 0.0f64;
        (0..self.size.groups).map(move |number| {
            let before = sum.round();
            sum += self.weighted(number, self.scale);
            self.group(number, (sum.round() - before) as u64)
        })
    }

    /// A group by its number; `members` is not known here, since it hangs on the groups before.
    pub fn group(&self, number: u64, members: u64) -> Group {
        let dice = self.dice(Stream::Group, number);
        let era = match dice % 100 {
            0..50 => Era::Anchor,
            50..92 => Era::DisplayName,
            _ => Era::ByHand,
        };
        Group {
            number,
            id: self.guid(Stream::GroupId, number),
            guid: self.guid(Stream::GroupGuid, number),
            rid: FIRST_RID + (self.size.users + number) as u32,
            fault: self.fault(number),
            era,
            stamped: (dice >> 32).is_multiple_of(10),
            members,
            dice: dice >> 7,
        }
    }

    pub fn fault(&self, number: u64) -> Option<Fault> {
        let dice = self.dice(Stream::Fault, number);
        (dice % 1000 < FAULTS_PER_1000).then(|| Fault::ALL[(dice >> 20) as usize % Fault::ALL.len()])
    }

    pub fn users(&self) -> impl Iterator<Item = User> + '_ {
        (0..self.size.users).map(|number| self.user(number))
    }

    pub fn user(&self, number: u64) -> User {
        let dice = self.dice(Stream::User, number);
        let kind = match dice % 10_000 {
            0..200 => UserKind::CloudOnly,
            200..202 => UserKind::NoIdentifier,
            _ => UserKind::Synced,
        };
        User {
            number,
            id: self.guid(Stream::UserId, number),
            guid: self.guid(Stream::UserGuid, number),
            rid: FIRST_RID + number as u32,
            kind,
            dice: dice >> 16,
        }
    }

    /// Group number and ids of a group synchronised from AD.
    pub fn synced_group(&self, number: u64) -> (u128, u128, u32) {
        let (id, guid) = (self.guid(Stream::SyncedId, number), self.guid(Stream::SyncedGuid, number));
        (id, guid, FIRST_RID + (self.size.users + self.size.groups + number) as u32)
    }

    pub fn id(&self, what: &str) -> u128 {
        let text = what.bytes().fold(0u64, |hash, byte| mix(hash ^ u64::from(byte)));
        self.guid(Stream::Other, text)
    }

    /// The direct members in Entra, all different: nested groups first, then users along a walk whose step shares no
    /// divisor with the number of users.
    pub fn members(&self, group: &Group) -> impl Iterator<Item = Member> + '_ {
        let dice = self.dice(Stream::Walk, group.number);
        let mut first = Vec::new();
        if group.members > 0 {
            match group.fault {
                Some(Fault::DeviceMember) => first.push(Member::Device(self.guid(Stream::Device, group.number))),
                Some(Fault::SyncedGroupMember) => {
                    first.push(Member::SyncedGroup(group.number % self.synced_groups));
                }
                None if dice.is_multiple_of(32) => first.extend(self.children(group)),
                _ => {}
            }
        }
        first.truncate(group.members as usize);
        let users = group.members - first.len() as u64;
        let walk = self.walk(group);
        first.into_iter().chain((0..users).map(move |i| Member::User(walk.at(i))))
    }

    /// Up to three healthy groups further down the list, so that no group contains itself.
    fn children(&self, group: &Group) -> impl Iterator<Item = Member> + '_ {
        let candidates = group.number + 1..self.size.groups.min(group.number + 12);
        candidates.step_by(3).filter(|number| self.fault(*number).is_none()).take(3).map(Member::Group)
    }

    /// The users of a group in their order, and beyond its last member users that are none.
    pub fn walk(&self, group: &Group) -> Walk {
        let users = self.size.users;
        let dice = self.dice(Stream::Walk, group.number);
        let mut step = mix(dice) % users;
        while step == 0 || gcd(step, users) != 1 {
            step = (step + 1) % users;
        }
        Walk { start: dice % users, step, users }
    }

    fn dice(&self, stream: Stream, number: u64) -> u64 {
        mix(mix(self.size.seed ^ ((stream as u64) << 56)) ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// A random GUID (version 4).
    fn guid(&self, stream: Stream, number: u64) -> u128 {
        let high = self.dice(stream, number);
        let value = u128::from(high) << 64 | u128::from(mix(high ^ 0x5bd1_e995));
        value & !(0xf000 << 64) & !(0xc << 60) | 0x4000 << 64 | 0x8 << 60
    }
}

pub struct Walk {
    start: u64,
    step: u64,
    users: u64,
}

impl Walk {
    pub fn at(&self, index: u64) -> u64 {
        ((u128::from(self.start) + u128::from(index) * u128::from(self.step)) % u128::from(self.users)) as u64
    }
}

/// Independent sources of dice.
#[derive(Clone, Copy)]
enum Stream {
    User = 1,
    UserId,
    UserGuid,
    Group,
    GroupId,
    GroupGuid,
    Members,
    Walk,
    Fault,
    Device,
    SyncedId,
    SyncedGuid,
    Other,
}

/// SplitMix64's finisher.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
