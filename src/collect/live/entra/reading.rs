//! Groups, members and users: read whole or from where a former bundle ended, then settled by rounds of changes until
//! the numbers are those that the tenant counts.

use super::feed::{self, Feed};
use super::ledger::{Ledger, short};
use super::plan::{self, Counts, Way};
use super::queries;
use super::since::Link;
use super::state::{News, Of, State};
use super::wire::{Trouble, Wire};
use crate::collect::graph_json;
use crate::collect::live::{Note, Tell};
use crate::directory::inventory::{Completeness, Tri};
use crate::directory::{ObjectGuid, inventory::EntraGroup};
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// How often a collection is begun again after its page token expired.
const RESTARTS: usize = 3;
/// Rounds of changes until what is counted has to be there.
const ROUNDS: u32 = 5;
/// Member lists read at the same time; the client's budget paces them.
const AT_ONCE: usize = 8;

pub struct Reading<'r> {
    pub wire: &'r Wire,
    pub ledger: &'r Ledger,
    pub tell: &'r Tell<'r>,
    pub tenant: Option<String>,
    pub extensions: BTreeSet<String>,
    /// Whether the token may see hidden memberships.
    pub sees_hidden: bool,
    /// Group writeback V1 is on: Microsoft 365 groups without a setting of their own are written back.
    pub unified_written: bool,
    /// Users created before this moment that appear in a round of changes were restored.
    pub horizon: DateTime<Utc>,
}

/// How a collection was read, and from where it can be gone on.
struct Read {
    link: Option<Link>,
    way: Way,
    /// The whole collection, not changes only.
    full: bool,
}

/// Everything about groups and users.
pub struct Outcome {
    pub state: State,
    pub links: Vec<Link>,
    pub groups: bool,
    pub users: bool,
    pub deleted: bool,
}

impl Reading<'_> {
    /// `from` are the links of a former bundle, whose state `state` then is.
    pub async fn read(&self, mut state: State, from: (Option<Link>, Option<Link>)) -> Result<Outcome> {
        let (mut groups, mut users) = from;
        let (mut has_groups, mut has_users) = (true, true);
        let mut counts = Counts::default();
        let mut way = Way::Delta;
        for round in 0..ROUNDS {
            if round > 1 {
                self.wire.pause(Duration::from_secs(u64::from(round - 1))).await;
            }
            let settling = groups.is_some() || users.is_some();
            state.begin_round();
            let (next, (read_groups, read_users)) = feed::through(state, async |feed| {
                tokio::try_join!(
                    async {
                        let wanted = has_groups && (round == 0 || groups.is_some());
                        if wanted { self.groups(feed, groups.as_ref()).await.map(Some) } else { Ok(None) }
                    },
                    async {
                        let wanted = has_users && (round == 0 || users.is_some());
                        if wanted { self.users(feed, users.as_ref()).await.map(Some) } else { Ok(None) }
                    },
                )
            })
            .await?;
            state = next;
            let news = state.end_round();
            let (mut whole, mut changed) = (false, None);
            match read_groups {
                Some(Some(read)) => {
                    whole |= read.full;
                    changed = (!read.full).then_some(());
                    way = read.way;
                    groups = read.link;
                }
                Some(None) => (has_groups, groups) = (false, None),
                None => {}
            }
            match read_users {
                Some(Some(read)) => {
                    whole |= read.full;
                    users = read.link;
                }
                Some(None) => (has_users, users) = (false, None),
                None => {}
            }
            if settling && changed.is_some() {
                state = self.news(state, news).await?;
            }
            if groups.is_none() && users.is_none() {
                counts = self.counts().await?;
                break;
            }
            if !whole {
                counts = self.counts().await?;
                let (is_groups, _, is_users) = state.counts();
                let reached = |is: u64, wanted: Option<u64>| wanted.is_none_or(|w| is >= w);
                if (!has_groups || reached(is_groups, counts.groups)) && (!has_users || reached(is_users, counts.users))
                {
                    break;
                }
            }
        }
        if has_groups {
            state = self.details(state).await?;
            state.absent_is_null();
            state = self.members(state, way).await?;
        }
        let deleted;
        (state, deleted) = self.deleted(state).await?;
        let (is_groups, is_deleted, is_users) = state.counts();
        if has_groups {
            self.ledger.read("groups", is_groups, counts.groups, short("groups", counts.groups, is_groups));
        }
        if has_users {
            self.ledger.read("users", is_users, counts.users, short("users", counts.users, is_users));
        }
        if deleted {
            self.ledger.read("deletedItems", is_deleted, None, None);
        }
        if has_groups {
            state = self.sync_behavior(state).await?;
        }
        let links = groups.into_iter().chain(users).collect();
        Ok(Outcome { state, links, groups: has_groups, users: has_users, deleted })
    }

    /// What the tenant counts; a count that it refuses is not known.
    async fn counts(&self) -> Result<Counts> {
        let (groups, users) =
            tokio::try_join!(self.wire.count(queries::GROUP_COUNT), self.wire.count(queries::USER_COUNT))?;
        if let Some(users) = users {
            self.wire.size(users).await;
        }
        Ok(Counts { groups, synced: None, users })
    }

    async fn groups(&self, feed: &Feed, from: Option<&Link>) -> Result<Option<Read>> {
        if let Some(link) = from {
            match self.follow(feed, &link.link, Of::Groups).await {
                Ok(next) => {
                    let link = next.map(|next| Link { link: next, ..link.clone() });
                    let way = from.map_or(Way::Delta, Link::way);
                    return Ok(Some(Read { link, way, full: false }));
                }
                Err(Trouble::Failed(error)) => return Err(error),
                Err(trouble) => self.again(feed, Of::Groups, &trouble.into_error()).await?,
            }
        }
        let synced = self.wire.count(queries::SYNCED_COUNT).await?;
        let choice = plan::choose(Counts { synced, ..self.counts().await? });
        self.say(choice.why);
        let mut wanted = vec![self.extensions.clone()];
        if !self.extensions.is_empty() {
            wanted.push(BTreeSet::new());
        }
        if choice.way == Way::Delta {
            for extensions in &wanted {
                for (version, top) in [("beta", true), ("beta", false), ("v1.0", true), ("v1.0", false)] {
                    let query = queries::group_delta(version, extensions, top);
                    match self.whole(feed, &query, Of::Groups).await {
                        Ok(link) => return Ok(Some(self.done(link, version, extensions, Way::Delta))),
                        Err(Trouble::Refused(error) | Trouble::Missing(error)) => {
                            self.again(feed, Of::Groups, &error).await?;
                        }
                        Err(trouble) => {
                            self.ledger.denied("groups", Err::<(), _>(trouble))?;
                            return Ok(None);
                        }
                    }
                }
            }
            self.say("groups/delta is refused: groups are listed, and members read group by group".to_owned());
        }
        for extensions in &wanted {
            for version in ["beta", "v1.0"] {
                let link = self.now_link(&queries::group_delta_from_now(version, extensions)).await?;
                match self.whole(feed, &queries::group_list(version, extensions), Of::Groups).await {
                    Ok(_) => return Ok(Some(self.done(link, version, extensions, Way::Lists))),
                    Err(Trouble::Refused(error)) => self.again(feed, Of::Groups, &error).await?,
                    Err(trouble) => {
                        self.ledger.denied("groups", Err::<(), _>(trouble))?;
                        return Ok(None);
                    }
                }
            }
        }
        Err(Error::failed("Graph refuses every way of reading groups")
            .hint("Run again with -v: it tells each refusal."))
    }

    fn done(&self, link: Option<String>, version: &str, extensions: &BTreeSet<String>, way: Way) -> Read {
        if extensions.len() < self.extensions.len() {
            (self.tell)(Note::Warning("Graph refuses the extension properties that the job's schema speaks of: scopes that rest on them stay unknown".to_owned()));
        }
        let select = queries::group_select(version, extensions);
        let name = if way == Way::Lists { "lists" } else { "delta" };
        let link = link.map(|link| self.link("groups", &select, name, link));
        Read { link, way, full: true }
    }

    fn link(&self, collection: &str, select: &str, way: &str, link: String) -> Link {
        let (collection, select, way) = (collection.to_owned(), select.to_owned(), way.to_owned());
        Link { collection, tenant: self.tenant.clone(), select, way, link }
    }

    async fn users(&self, feed: &Feed, from: Option<&Link>) -> Result<Option<Read>> {
        if let Some(link) = from {
            match self.follow(feed, &link.link, Of::Users).await {
                Ok(next) => {
                    let link = next.map(|next| Link { link: next, ..link.clone() });
                    return Ok(Some(Read { link, way: Way::Lists, full: false }));
                }
                Err(Trouble::Failed(error)) => return Err(error),
                Err(trouble) => self.again(feed, Of::Users, &trouble.into_error()).await?,
            }
        }
        let link = self.now_link(&queries::user_delta_from_now()).await?;
        let read = self.whole(feed, &queries::users(), Of::Users).await;
        if self.ledger.denied("users", read)?.is_none() {
            return Ok(None);
        }
        let link = link.map(|link| self.link("users", queries::USER, "lists", link));
        Ok(Some(Read { link, way: Way::Lists, full: true }))
    }

    /// The link from which changes count; a service that gives none is read without.
    async fn now_link(&self, query: &str) -> Result<Option<String>> {
        match self.wire.pages(query, async |_| Ok(())).await {
            Ok(link) => Ok(link),
            Err(Trouble::Failed(error)) => Err(error),
            Err(trouble) => {
                self.say(format!("No place to go on from later: {}", trouble.into_error().message));
                Ok(None)
            }
        }
    }

    /// A whole collection; begun again, a few times, when a page token expires on the way.
    async fn whole(&self, feed: &Feed, query: &str, of: Of) -> Result<Option<String>, Trouble> {
        for _ in 0..RESTARTS {
            match self.follow(feed, query, of).await {
                Err(Trouble::Expired(error)) => self.again(feed, of, &error).await?,
                other => return other,
            }
        }
        self.follow(feed, query, of).await
    }

    async fn follow(&self, feed: &Feed, query: &str, of: Of) -> Result<Option<String>, Trouble> {
        self.wire
            .objects(query, async |records| {
                feed.page(records, of, query).await?;
                let (groups, users) = feed.counts();
                (self.tell)(Note::Doing { part: "Entra", what: "groups and users", done: groups + users, of: None });
                Ok(())
            })
            .await
    }

    async fn again(&self, feed: &Feed, of: Of, error: &Error) -> Result<()> {
        let what = if of == Of::Users { "users" } else { "groups" };
        self.say(format!("{what} are read from the start: {}", crate::report::plain(&error.message)));
        feed.restart(of).await
    }

    fn say(&self, text: String) {
        (self.tell)(Note::Detail(text));
    }

    /// Completes what a round of changes may not tell in full: users new to us may have been restored, with memberships
    /// that no change speaks of; so may groups; and a user's identifier may be left out.
    async fn news(&self, state: State, news: News) -> Result<State> {
        let unclear: BTreeSet<ObjectGuid> = news.users.iter().chain(&news.without_identifier).copied().collect();
        let unclear: Vec<ObjectGuid> = unclear.into_iter().collect();
        let asked: Vec<String> = unclear.iter().map(|id| queries::user(&id.to_string())).collect();
        let answers = self.ledger.denied("users", self.wire.batch(&asked).await)?.unwrap_or_default();
        let mut restored = Vec::new();
        let mut records = Vec::new();
        for (id, answer) in unclear.iter().zip(answers) {
            let user = match answer {
                Ok(user) => user,
                Err(Trouble::Missing(_)) => continue,
                Err(trouble) => return Err(trouble.into_error()),
            };
            let created = user.get("createdDateTime").and_then(Value::as_str);
            let created = created.and_then(|t| DateTime::parse_from_rfc3339(t).ok());
            if news.users.contains(id) && created.is_none_or(|t| t < self.horizon) {
                restored.push(*id);
            }
            let mut one = graph_json::read_answer(user.to_string().as_bytes(), Path::new("users"))?.0;
            records.append(&mut one);
        }
        let (mut state, ()) = feed::through(state, async |feed| feed.page(records, Of::Users, "users").await).await?;
        if !restored.is_empty() {
            self.say(format!("{} user(s) were restored: their groups are asked for", restored.len()));
        }
        for id in restored {
            let listed = self.wire.values(&queries::user_groups(&id.to_string())).await;
            let Some(groups) = self.ledger.denied("group members", listed)? else { break };
            let ids = groups.iter().filter_map(|g| ObjectGuid::parse(g.get("id")?.as_str()?));
            state.member_of(id, &ids.collect::<Vec<_>>());
        }
        if news.restored_groups.is_empty() {
            return Ok(state);
        }
        self.say(format!("{} group(s) were restored: their members are listed", news.restored_groups.len()));
        Ok(self.lists(state, &news.restored_groups).await?.0)
    }

    /// What an answer of changes left out for every group may be left out for another reason than being null: it is
    /// read from the list.
    async fn details(&self, state: State) -> Result<State> {
        let missing: Vec<&str> = queries::DOUBTFUL.into_iter().filter(|p| !state.has_seen(p)).collect();
        if missing.is_empty() || state.counts().0 == 0 {
            return Ok(state);
        }
        self.say(format!("No group came with {}: read from the list of groups", missing.join(", ")));
        let (state, read) = feed::through(state, async |feed| {
            Ok(self.whole(feed, &queries::group_details(&missing), Of::GroupDetails).await)
        })
        .await?;
        match read {
            Ok(_) => {}
            Err(Trouble::Failed(error)) => return Err(error),
            // Then it stays unknown, which every rule that asks for it says.
            Err(trouble) => self.say(format!("refused: {}", trouble.into_error().message)),
        }
        Ok(state)
    }

    /// Closes the member lists: all of them known, or read group by group where they can matter.
    async fn members(&self, mut state: State, way: Way) -> Result<State> {
        let mut shortfall = None;
        if way == Way::Lists {
            let wanted = state.groups(|g| g.members != Completeness::Complete && could_be_written(g));
            let denied;
            (state, denied) = self.lists(state, &wanted).await?;
            if denied > 0 {
                shortfall = Some(format!(
                    "not allowed to see the members of {denied} group(s): it needs the permission {}",
                    super::ledger::permission("group members")
                ));
            }
        } else {
            let hidden = state.all_members_known(self.sees_hidden);
            if hidden > 0 {
                shortfall =
                    Some(format!("{hidden} group(s) hide their members: it needs the permission Member.Read.Hidden"));
            }
        }
        self.ledger.read("group members", state.memberships(), None, shortfall);
        Ok(state)
    }

    /// Reads the members of these groups, one list each. Returns how many are not allowed to be seen.
    async fn lists(&self, state: State, groups: &[ObjectGuid]) -> Result<(State, u64)> {
        let (mut state, how) = feed::through(state, async |feed| {
            stream::iter(groups.iter().copied())
                .map(async |group| Ok::<_, Error>((group, self.one_list(feed, group).await?)))
                .buffer_unordered(AT_ONCE)
                .try_collect::<Vec<_>>()
                .await
        })
        .await?;
        let mut denied = 0;
        for (group, how) in how {
            denied += u64::from(how == Completeness::Absent);
            state.members_are(group, how);
        }
        Ok((state, denied))
    }

    async fn one_list(&self, feed: &Feed, group: ObjectGuid) -> Result<Completeness> {
        let query = queries::members(&group.to_string());
        for _ in 0..=RESTARTS {
            let mut first = true;
            let read = self
                .wire
                .objects(&query, async |list| feed.members(group, list, std::mem::take(&mut first), &query).await)
                .await;
            return match read {
                Ok(_) => Ok(Completeness::Complete),
                Err(Trouble::Expired(_)) => continue,
                Err(Trouble::Denied(_) | Trouble::Unlicensed(_)) => Ok(Completeness::Absent),
                // Deleted meanwhile; the next round of changes says so.
                Err(Trouble::Missing(_)) => Ok(Completeness::Complete),
                Err(trouble) => Err(trouble.into_error()),
            };
        }
        Err(Error::failed("the pages of the group's members expire faster than they can be read")
            .at(crate::error::Place::default().object(group.to_string())))
    }

    async fn deleted(&self, state: State) -> Result<(State, bool)> {
        let (state, read) = feed::through(state, async |feed| {
            let mut read = self.whole(feed, &queries::deleted_groups("beta"), Of::DeletedGroups).await;
            if let Err(Trouble::Refused(_) | Trouble::Missing(_)) = read {
                read = self.whole(feed, &queries::deleted_groups("v1.0"), Of::DeletedGroups).await;
            }
            Ok(self.ledger.denied("deletedItems", read)?.is_some())
        })
        .await?;
        Ok((state, read))
    }

    /// Asks the groups that could be written back whether their source of authority was converted.
    async fn sync_behavior(&self, mut state: State) -> Result<State> {
        let candidates = state.groups(|g| self.is_candidate(g));
        let queries: Vec<String> = candidates.iter().map(|id| queries::sync_behavior(&id.to_string())).collect();
        let Some(answers) = self.ledger.denied("onPremisesSyncBehavior", self.wire.batch(&queries).await)? else {
            return Ok(state);
        };
        let mut read = 0;
        for (id, answer) in candidates.iter().zip(answers) {
            match answer {
                Ok(body) => {
                    let value = body.get("isCloudManaged").map_or(Tri::Null, |v| Tri::from_known(Some(v.as_bool())));
                    state.set_cloud_managed(*id, value);
                    read += 1;
                }
                // A group without the resource was never anything but a group of the cloud.
                Err(Trouble::Missing(_)) => {
                    state.set_cloud_managed(*id, Tri::Null);
                    read += 1;
                }
                Err(trouble @ (Trouble::Denied(_) | Trouble::Unlicensed(_) | Trouble::Failed(_))) => {
                    self.ledger.denied("onPremisesSyncBehavior", Err::<(), _>(trouble))?;
                    return Ok(state);
                }
                Err(Trouble::Refused(_) | Trouble::Expired(_)) => {}
            }
        }
        let expected = candidates.len() as u64;
        if expected > 0 {
            let shortfall = (read < expected).then(|| format!("Graph refused {} of the answers", expected - read));
            self.ledger.read("onPremisesSyncBehavior", read, Some(expected), shortfall);
        }
        Ok(state)
    }

    /// Written back as far as Entra tells, or with identifiers that only a synchronised or converted group has.
    fn is_candidate(&self, group: &EntraGroup) -> bool {
        let by_default = group.unified.is_true() && self.unified_written && group.writeback.is_enabled == Tri::Null;
        let enabled = matches!(group.writeback.is_enabled, Tri::True | Tri::Absent) || by_default;
        !group.synced.is_true() && (group.has_on_premises_identity || (enabled && could_be_written(group)))
    }
}

/// A group of the cloud that is no distribution list: the sorts that are or were written back to AD.
fn could_be_written(group: &EntraGroup) -> bool {
    let list = group.mail_enabled.is_true() && !group.unified.is_true();
    !group.synced.is_true() && !list
}
