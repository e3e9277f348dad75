//! Who may do what in the example's directory, as security descriptors: the domain grants the provisioning agent groups
//! below it, units and groups inherit, and a few groups do not.

use super::row::Trait;
use super::tenant::{AGENT_RID, Group, account_sid, domain_sid};
use crate::directory::Sid;
use crate::directory::security::{Ace, Dacl, Entry, SecurityDescriptor, control, inheritance, rights, schema};

/// The account of Connect's AD connector.
const CONNECTOR_RID: u32 = 1_104;
const DOMAIN_ADMINS: u32 = 512;

fn well_known(text: &str) -> Sid {
    Sid::parse(text).unwrap_or_else(domain_sid)
}
fn system() -> Sid {
    well_known("S-1-5-18")
}
fn authenticated_users() -> Sid {
    well_known("S-1-5-11")
}

fn descriptor(protected: bool, aces: Vec<Ace>) -> SecurityDescriptor {
    SecurityDescriptor {
        control: control::DACL_AUTO_INHERITED | if protected { control::DACL_PROTECTED } else { 0 },
        owner: Some(account_sid(DOMAIN_ADMINS)),
        group: Some(account_sid(DOMAIN_ADMINS)),
        dacl: Dacl::List(aces.into_iter().map(Entry::Ace).collect()),
    }
}

/// What stands on the domain itself.
fn domain() -> SecurityDescriptor {
    let everywhere = |ace: Ace| ace.flags(inheritance::CONTAINER);
    let agent = account_sid(AGENT_RID);
    let connector = account_sid(CONNECTOR_RID);
    descriptor(
        true,
        vec![
            everywhere(
                Ace::allow(agent.clone(), rights::CREATE_CHILD | rights::DELETE_CHILD).on(schema::class_group()),
            ),
            everywhere(Ace::allow(agent.clone(), rights::CREATE_CHILD | rights::DELETE_CHILD).on(schema::class_user())),
            Ace::allow(agent.clone(), rights::ALL).for_children(schema::class_group()),
            Ace::allow(agent, rights::ALL).for_children(schema::class_user()),
            Ace::allow(connector.clone(), rights::GENERIC_READ | rights::GENERIC_WRITE | rights::DELETE)
                .for_children(schema::class_group()),
            everywhere(Ace::allow(connector, rights::CREATE_CHILD | rights::DELETE_CHILD).on(schema::class_group())),
            everywhere(Ace::allow(authenticated_users(), rights::READ)),
            everywhere(Ace::allow(account_sid(DOMAIN_ADMINS), rights::ALL)),
            everywhere(Ace::allow(system(), rights::ALL)),
        ],
    )
}

/// The domain's own descriptor, as bytes.
pub fn of_domain() -> Vec<u8> {
    domain().to_bytes().unwrap_or_default()
}

/// Every unit takes what the domain hands down.
pub fn of_unit() -> Vec<u8> {
    // A unit is no group: what is meant for groups passes through it.
    let unit = descriptor(false, domain().inheritable(Default::default()));
    unit.to_bytes().unwrap_or_default()
}

/// A group in a unit, with nothing of its own.
fn inherited() -> Vec<Ace> {
    domain().inheritable(schema::class_group())
}

pub fn of_ordinary_group() -> Vec<u8> {
    descriptor(false, inherited()).to_bytes().unwrap_or_default()
}

pub fn of_group(group: &Group) -> Vec<u8> {
    let own = |rid: u32, mask: u32| Ace::allow(account_sid(rid), mask);
    let closed = vec![
        Ace::allow(system(), rights::ALL),
        own(DOMAIN_ADMINS, rights::ALL),
        own(519, rights::ALL),
        Ace::allow(authenticated_users(), rights::READ),
    ];
    let made = if group.row.has(Trait::AdminCount) || group.row.has(Trait::Protected) {
        descriptor(true, closed)
    } else if group.row.has(Trait::AgentDenied) {
        let denial = Ace::deny(account_sid(AGENT_RID), rights::WRITE_PROPERTY).on(schema::member());
        descriptor(false, [vec![denial], inherited()].concat())
    } else {
        descriptor(false, inherited())
    };
    made.to_bytes().unwrap_or_default()
}
