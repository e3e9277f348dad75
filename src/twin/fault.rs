//! One fault by its name, as a rehearsal plays each of them once.

use super::faults::{Hit, Port, Surprise};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    LostBefore,
    LostAfter,
    Busy,
    CrashBefore,
    CrashAfter,
    CrashJournal,
    Silence,
    MemberAdded,
    MemberTaken,
    Renamed,
    Restamped,
    Left,
    Joined,
    JobStarted,
    Strips,
    Renames,
    Moves,
    Duplicates,
    Deletes,
    Quarantines,
    Skips,
}

impl Fault {
    pub const ALL: [Fault; 21] = [
        Fault::LostBefore,
        Fault::LostAfter,
        Fault::Busy,
        Fault::CrashBefore,
        Fault::CrashAfter,
        Fault::CrashJournal,
        Fault::Silence,
        Fault::MemberAdded,
        Fault::MemberTaken,
        Fault::Renamed,
        Fault::Restamped,
        Fault::Left,
        Fault::Joined,
        Fault::JobStarted,
        Fault::Strips,
        Fault::Renames,
        Fault::Moves,
        Fault::Duplicates,
        Fault::Deletes,
        Fault::Quarantines,
        Fault::Skips,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Fault::LostBefore => "the connection breaks before a write is done",
            Fault::LostAfter => "the connection breaks after a write was done",
            Fault::Busy => "the service is busy (429)",
            Fault::CrashBefore => "the process dies before a call",
            Fault::CrashAfter => "the process dies right after a write",
            Fault::CrashJournal => "the process dies at the journal",
            Fault::Silence => "a domain controller falls silent",
            Fault::MemberAdded => "somebody adds a member in AD",
            Fault::MemberTaken => "somebody takes a member out in AD",
            Fault::Renamed => "somebody renames a group in AD",
            Fault::Restamped => "somebody writes another stamp",
            Fault::Left => "a member leaves the Entra group",
            Fault::Joined => "a member joins the Entra group",
            Fault::JobStarted => "somebody starts the Cloud Sync job",
            Fault::Strips => "Cloud Sync takes a member out",
            Fault::Renames => "Cloud Sync renames a group",
            Fault::Moves => "Cloud Sync moves a group",
            Fault::Duplicates => "Cloud Sync makes a second group",
            Fault::Deletes => "Cloud Sync deletes a group",
            Fault::Quarantines => "the job goes into quarantine",
            Fault::Skips => "Cloud Sync passes over a group",
        }
    }

    /// What it does to a call, where it fits it.
    pub(super) fn hit(self, port: Port, write: bool) -> Option<Hit> {
        let graph = port == Port::Tenant;
        let edit =
            |which| matches!(port, Port::Directory | Port::Tenant | Port::Observer).then_some(Hit::Edit(Some(which)));
        match self {
            Fault::LostBefore if write && port != Port::Servers => Some(Hit::LostBefore),
            Fault::LostAfter if write && port != Port::Servers => Some(Hit::LostAfter),
            Fault::Busy if write && graph => Some(Hit::Busy),
            Fault::CrashBefore => Some(Hit::CrashBefore),
            Fault::CrashAfter if write => Some(Hit::CrashAfter),
            Fault::Silence if port == Port::Directory && !write => Some(Hit::Silence),
            Fault::MemberAdded => edit(0),
            Fault::MemberTaken => edit(2),
            Fault::Renamed => edit(3),
            Fault::Restamped => edit(4),
            Fault::Left => edit(5),
            Fault::Joined => edit(7),
            Fault::JobStarted => edit(8),
            _ => None,
        }
    }

    /// What Cloud Sync does of its own in a cycle.
    pub(super) fn surprise(self) -> Option<Surprise> {
        Some(match self {
            Fault::Strips => Surprise::Strip,
            Fault::Renames => Surprise::Rename,
            Fault::Moves => Surprise::Move,
            Fault::Duplicates => Surprise::Duplicate,
            Fault::Deletes => Surprise::Delete,
            Fault::Quarantines => Surprise::Quarantine,
            Fault::Skips => Surprise::Skip,
            _ => return None,
        })
    }
}
