//! Graph JSON as it comes in files: a response body `{"value":[…]}`, an array, JSON Lines, or a single object; several
//! pages one after the other too. Objects are handed on one at a time, so a file of any size takes the memory of one.

use super::entra::kind_of;
use crate::directory::ObjectGuid;
use crate::directory::inventory::{Assignment, EntraKind};
use crate::error::{Error, Place, Result};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::io::{BufReader, Read};
use std::marker::PhantomData;
use std::path::Path;

/// A directory object as Graph describes it, of any type; only what this program uses. `None` is absent, `Some(None)`
/// is null.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Record {
    pub id: Option<String>,
    pub odata_type: Option<String>,
    pub display_name: Option<Option<String>>,
    pub description: Option<Option<String>>,
    pub user_principal_name: Option<Option<String>>,
    pub mail_nickname: Option<Option<String>>,
    pub security_enabled: Option<Option<bool>>,
    pub mail_enabled: Option<Option<bool>>,
    pub group_types: Option<Option<Vec<String>>>,
    pub membership_rule_processing_state: Option<Option<String>>,
    pub on_premises_sync_enabled: Option<Option<bool>>,
    pub on_premises_object_identifier: Option<Option<String>>,
    pub on_premises_security_identifier: Option<Option<String>>,
    /// Any of onPremisesSamAccountName, onPremisesDomainName, onPremisesNetBiosName is set.
    pub other_on_premises_identity: bool,
    pub is_assignable_to_role: Option<Option<bool>>,
    pub is_management_restricted: Option<Option<bool>>,
    pub is_cloud_managed: Option<Option<bool>>,
    /// `writebackConfiguration`: absent, null, or its two properties.
    pub writeback: Option<Option<WritebackRecord>>,
    pub deleted_date_time: Option<Option<String>>,
    /// `visibility` is `HiddenMembership`: members are shown to those only who may see hidden ones.
    pub hidden_members: bool,
    pub removed: bool,
    pub members: Option<Vec<MemberRecord>>,
    pub members_delta: Option<Vec<MemberRecord>>,
    /// `members@odata.nextLink`: the list goes on elsewhere.
    pub members_cut: bool,
    pub extensions: Vec<(String, String)>,
    /// Names of the properties that the object carries and this program reads.
    pub properties: u32,
}

#[derive(Debug, Default, Clone, PartialEq)]
pub struct WritebackRecord {
    pub is_enabled: Option<Option<bool>>,
    pub on_premises_group_type: Option<Option<String>>,
}

/// A member of a group. There are millions of them, so what is known of each is kept in as little as it takes.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct MemberRecord {
    pub id: MemberId,
    pub kind: EntraKind,
    pub display_name: Option<String>,
    pub removed: bool,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub enum MemberId {
    Guid(ObjectGuid),
    /// What stands there instead.
    Unreadable(String),
    #[default]
    Missing,
}

/// What surrounds the objects of a response body.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Page {
    pub context: Option<String>,
    pub count: Option<u64>,
    /// `@odata.nextLink`, `@odata.deltaLink`.
    pub next: Option<String>,
    pub delta: Option<String>,
    /// Objects on this page.
    pub objects: u64,
}

/// What a file held.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Summary {
    pub objects: u64,
    pub pages: Vec<Page>,
}

/// Receives each object; an error text refuses the file at the object's place.
pub type Sink<'s, I = Record> = dyn FnMut(I) -> std::result::Result<(), String> + 's;

/// An object that takes its properties one by one, so that an object and the page around it can be told apart while they
/// are read.
pub trait Item: Default + for<'de> serde::Deserialize<'de> {
    fn property<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> std::result::Result<(), A::Error>;
}

/// Reads a file of directory objects.
pub fn read_file<I: Item>(path: &Path, sink: &mut Sink<'_, I>) -> Result<Summary> {
    read(super::source::open(path)?, path, sink)
}

pub fn read<I: Item>(input: impl Read, path: &Path, sink: &mut Sink<'_, I>) -> Result<Summary> {
    let reader = BufReader::with_capacity(1 << 18, input);
    read_from(serde_json::Deserializer::from_reader(reader), path, sink)
}

/// One answer that came over the network: its objects, and what surrounds them. `path` is what its errors name.
pub fn read_answer<I: Item>(bytes: &[u8], path: &Path) -> Result<(Vec<I>, Page)> {
    let (mut items, mut summary) = (Vec::new(), Summary::default());
    let sink: &mut Sink<'_, I> = &mut |item| {
        items.push(item);
        Ok(())
    };
    let top = Top { sink, summary: &mut summary };
    // Text that is known to be UTF-8 is not looked at again value by value; what is none is refused where it stands.
    let done = match std::str::from_utf8(bytes) {
        Ok(text) => whole(serde_json::Deserializer::from_str(text), top),
        Err(_) => whole(serde_json::Deserializer::from_slice(bytes), top),
    };
    done.map_err(|e| json_error(path, &e))?;
    let page = summary.pages.pop().unwrap_or(Page { objects: summary.objects, ..Page::default() });
    Ok((items, page))
}

fn whole<'de, R: serde_json::de::Read<'de>, I: Item>(
    mut json: serde_json::Deserializer<R>,
    top: Top<'_, '_, I>,
) -> serde_json::Result<()> {
    top.deserialize(&mut json).and_then(|()| json.end())
}

fn read_from<'de, R: serde_json::de::Read<'de>, I: Item>(
    mut json: serde_json::Deserializer<R>,
    path: &Path,
    sink: &mut Sink<'_, I>,
) -> Result<Summary> {
    let mut summary = Summary::default();
    let mut first = true;
    loop {
        match json.end() {
            Ok(()) if first => {
                return Err(
                    Error::input(Place::file(path).line(1), "the file is empty").hint("Export it again, or remove it.")
                );
            }
            Ok(()) => return Ok(summary),
            Err(e) if e.is_syntax() => {} // something follows
            Err(e) => return Err(json_error(path, &e)),
        }
        first = false;
        Top { sink, summary: &mut summary }.deserialize(&mut json).map_err(|e| json_error(path, &e))?;
    }
}

/// Reads a small file whole, as plain JSON values: the items of `value`, of an array, of JSON Lines, or the one object.
pub fn read_values(path: &Path) -> Result<(Vec<serde_json::Value>, Summary)> {
    let input = BufReader::new(super::source::open(path)?);
    let mut out = Vec::new();
    let mut summary = Summary::default();
    let mut empty = true;
    for value in serde_json::Deserializer::from_reader(input).into_iter::<serde_json::Value>() {
        empty = false;
        let value = value.map_err(|e| json_error(path, &e))?;
        if let Some(text) = value.get("error").and_then(error_answer) {
            return Err(Error::input(Place::file(path), text).hint(ERROR_HINT));
        }
        match value {
            serde_json::Value::Array(items) => out.extend(items),
            serde_json::Value::Object(mut map) if matches!(map.get("value"), Some(serde_json::Value::Array(_))) => {
                let text = |name: &str| map.get(name).and_then(|c| c.as_str()).map(str::to_owned);
                summary.pages.push(Page {
                    context: text("@odata.context"),
                    objects: map.get("value").and_then(|v| v.as_array()).map_or(0, |v| v.len() as u64),
                    count: map.get("@odata.count").and_then(serde_json::Value::as_u64),
                    next: text("@odata.nextLink"),
                    delta: text("@odata.deltaLink"),
                });
                if let Some(serde_json::Value::Array(items)) = map.remove("value") {
                    out.extend(items);
                }
            }
            value @ serde_json::Value::Object(_) if value.get("value").is_none() => out.push(value),
            _ => return Err(Error::input(Place::file(path), "neither an object nor a list of objects")),
        }
    }
    if !out.iter().all(serde_json::Value::is_object) {
        return Err(Error::input(Place::file(path), "a list of something else than objects"));
    }
    summary.objects = out.len() as u64;
    if empty {
        return Err(Error::input(Place::file(path).line(1), "the file is empty").hint("Export it again, or remove it."));
    }
    Ok((out, summary))
}

/// The objects of one answer: those of `value`, whether it is a list or, as some documented answers have it, one object,
/// or the answer itself.
pub fn objects(body: serde_json::Value) -> Option<Vec<serde_json::Value>> {
    use serde_json::Value;
    match body {
        Value::Object(mut map) => Some(match map.remove("value") {
            Some(Value::Array(values)) => values,
            Some(one @ Value::Object(_)) => vec![one],
            Some(other) => {
                map.insert("value".to_owned(), other);
                vec![Value::Object(map)]
            }
            None => vec![Value::Object(map)],
        }),
        _ => None,
    }
}

const ERROR_HINT: &str = "Find out why the request was refused (permissions, sign-in), and export it again.";

/// What Graph answers instead of data when it refuses; somebody may have saved it as if it were the data.
fn error_answer(error: &serde_json::Value) -> Option<String> {
    let code = error.get("code")?.as_str()?;
    let message = error.get("message").and_then(serde_json::Value::as_str).unwrap_or("");
    Some(format!("this is an error answer of Graph, not data: {code}: {message}"))
}

/// A JSON error with its place, in an administrator's words where the sort of mistake is plain.
pub fn json_error(path: &Path, e: &serde_json::Error) -> Error {
    let place = Place::file(path).line(e.line().max(1) as u64).column(e.column() as u64);
    let text = e.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(head, _)| head);
    if e.is_eof() {
        return Error::input(place, "the JSON ends too early: the file looks cut off").hint("Export it again.");
    }
    if e.is_io() {
        let what = match text.contains("stream did not contain valid UTF-8") {
            true => "the file is not UTF-8".to_owned(),
            false => format!("cannot read: {text}"),
        };
        return Error::input(place, what);
    }
    if e.line() <= 1 && e.column() <= 1 && text.contains("expected value") {
        return Error::input(place, "this is no JSON")
            .hint("A sign-in page or an error page may have been saved instead of the answer.");
    }
    let error = Error::input(place, text);
    if text.starts_with("this is an error answer") { error.hint(ERROR_HINT) } else { error }
}

struct Top<'a, 's, I> {
    sink: &'a mut Sink<'s, I>,
    summary: &'a mut Summary,
}

impl<'de, I: Item> DeserializeSeed<'de> for Top<'_, '_, I> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, I: Item> Visitor<'de> for Top<'_, '_, I> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list of objects")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> std::result::Result<(), A::Error> {
        Items { sink: self.sink, summary: self.summary }.visit_seq(seq)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        let mut record = I::default();
        let mut page = None::<Page>;
        let mut head = Page::default();
        let before = self.summary.objects;
        while let Some(key) = map.next_key::<Key<'_>>()? {
            match key.0.as_ref() {
                "value" => {
                    map.next_value_seed(Items { sink: &mut *self.sink, summary: &mut *self.summary })?;
                    page = Some(Page::default());
                }
                "@odata.context" => head.context = map.next_value()?,
                "@odata.count" => head.count = map.next_value()?,
                "@odata.nextLink" if head.next.is_none() => head.next = map.next_value()?,
                "@odata.deltaLink" if head.delta.is_none() => head.delta = map.next_value()?,
                "@odata.nextLink" | "@odata.deltaLink" => {
                    return Err(A::Error::custom(format!("{} stands there twice", key.0)));
                }
                "error" => {
                    if let Some(text) = error_answer(&map.next_value()?) {
                        return Err(A::Error::custom(text));
                    }
                }
                _ => record.property(&key.0, &mut map)?,
            }
        }
        if page.is_some() {
            head.objects = self.summary.objects - before;
            self.summary.pages.push(head);
            return Ok(());
        }
        self.summary.objects += 1;
        (self.sink)(record).map_err(A::Error::custom)
    }
}

struct Items<'a, 's, I> {
    sink: &'a mut Sink<'s, I>,
    summary: &'a mut Summary,
}

impl<'de, I: Item> DeserializeSeed<'de> for Items<'_, '_, I> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, I: Item> Visitor<'de> for Items<'_, '_, I> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<(), A::Error> {
        while let Some(record) = seq.next_element::<I>()? {
            self.summary.objects += 1;
            (self.sink)(record).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

/// A property name or a short text, borrowed where the input lies in memory and writes it without escapes.
struct Key<'de>(Cow<'de, str>);

impl<'de> serde::Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, name: &'de str) -> std::result::Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(name)))
            }
            fn visit_str<E>(self, name: &str) -> std::result::Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

/// Reads an object property by property.
struct ItemVisitor<I> {
    what: &'static str,
    item: PhantomData<I>,
}

impl<'de, I: Item> Visitor<'de> for ItemVisitor<I> {
    type Value = I;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<I, A::Error> {
        let mut item = I::default();
        while let Some(key) = map.next_key::<Key<'_>>()? {
            item.property(&key.0, &mut map)?;
        }
        Ok(item)
    }
}

impl<'de> serde::Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(ItemVisitor { what: "a directory object", item: PhantomData })
    }
}

/// The properties that `Record` keeps, in the order of the bits of `Record::properties`.
pub const PROPERTIES: [&str; 16] = [
    "displayName",
    "description",
    "mailNickname",
    "securityEnabled",
    "mailEnabled",
    "groupTypes",
    "membershipRuleProcessingState",
    "onPremisesSyncEnabled",
    "onPremisesSecurityIdentifier",
    "isAssignableToRole",
    "isManagementRestricted",
    "onPremisesSyncBehavior",
    "writebackConfiguration",
    "members",
    "onPremisesObjectIdentifier",
    "deletedDateTime",
];

impl Item for Record {
    fn property<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> std::result::Result<(), A::Error> {
        if let Some(bit) = PROPERTIES.iter().position(|p| *p == key) {
            self.properties |= 1 << bit;
        }
        match key {
            "id" => self.id = map.next_value()?,
            "@odata.type" => self.odata_type = map.next_value()?,
            "displayName" => self.display_name = Some(map.next_value()?),
            "description" => self.description = Some(map.next_value()?),
            "userPrincipalName" => self.user_principal_name = Some(map.next_value()?),
            "mailNickname" => self.mail_nickname = Some(map.next_value()?),
            "securityEnabled" => self.security_enabled = Some(map.next_value()?),
            "mailEnabled" => self.mail_enabled = Some(map.next_value()?),
            "groupTypes" => self.group_types = Some(map.next_value()?),
            "membershipRuleProcessingState" => self.membership_rule_processing_state = Some(map.next_value()?),
            "onPremisesSyncEnabled" => self.on_premises_sync_enabled = Some(map.next_value()?),
            "onPremisesObjectIdentifier" => self.on_premises_object_identifier = Some(map.next_value()?),
            "onPremisesSecurityIdentifier" => self.on_premises_security_identifier = Some(map.next_value()?),
            "onPremisesSamAccountName" | "onPremisesDomainName" | "onPremisesNetBiosName" => {
                let value: Option<String> = map.next_value()?;
                self.other_on_premises_identity |= value.is_some_and(|v| !v.is_empty());
            }
            "isAssignableToRole" => self.is_assignable_to_role = Some(map.next_value()?),
            "isManagementRestricted" => self.is_management_restricted = Some(map.next_value()?),
            "onPremisesSyncBehavior" => {
                let value: Option<serde_json::Map<String, serde_json::Value>> = map.next_value()?;
                self.is_cloud_managed = match value.as_ref().and_then(|v| v.get("isCloudManaged")) {
                    None => self.is_cloud_managed,
                    Some(serde_json::Value::Bool(b)) => Some(Some(*b)),
                    Some(_) => Some(None),
                };
            }
            "writebackConfiguration" => self.writeback = Some(map.next_value::<Option<WritebackRecord>>()?),
            "deletedDateTime" => self.deleted_date_time = Some(map.next_value()?),
            "visibility" => {
                let value: Option<String> = map.next_value()?;
                self.hidden_members = value.is_some_and(|v| v.eq_ignore_ascii_case("HiddenMembership"));
            }
            "@removed" => {
                map.next_value::<IgnoredAny>()?;
                self.removed = true;
            }
            "members" => self.members = map.next_value::<Option<Vec<MemberRecord>>>()?,
            "members@delta" => self.members_delta = map.next_value::<Option<Vec<MemberRecord>>>()?,
            "members@odata.nextLink" => {
                map.next_value::<IgnoredAny>()?;
                self.members_cut = true;
            }
            _ if key.starts_with("extension_") => match map.next_value::<serde_json::Value>()? {
                serde_json::Value::Null => {}
                serde_json::Value::String(s) => self.extensions.push((key.to_owned(), s)),
                serde_json::Value::Bool(b) => {
                    self.extensions.push((key.to_owned(), if b { "True" } else { "False" }.to_owned()))
                }
                other => self.extensions.push((key.to_owned(), other.to_string())),
            },
            _ => {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// An object with all its properties, whatever they are.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(transparent)]
pub struct Whole(pub serde_json::Value);

impl Item for Whole {
    fn property<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> std::result::Result<(), A::Error> {
        let value = map.next_value()?;
        if !self.0.is_object() {
            self.0 = serde_json::Value::Object(serde_json::Map::new());
        }
        if let Some(object) = self.0.as_object_mut() {
            object.insert(key.to_owned(), value);
        }
        Ok(())
    }
}

/// An app role assignment, as `appRoleAssignedTo` lists them.
impl Item for Assignment {
    fn property<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> std::result::Result<(), A::Error> {
        match key {
            "principalId" => self.principal_id = map.next_value::<Option<String>>()?.unwrap_or_default().to_lowercase(),
            "principalType" => self.principal_type = map.next_value()?,
            "appRoleId" => self.app_role_id = map.next_value()?,
            "resourceId" => self.resource_id = map.next_value()?,
            _ => {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

impl<'de> serde::Deserialize<'de> for WritebackRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct WritebackVisitor;
        impl<'de> Visitor<'de> for WritebackVisitor {
            type Value = WritebackRecord;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a writebackConfiguration")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<WritebackRecord, A::Error> {
                let mut out = WritebackRecord::default();
                while let Some(key) = map.next_key::<Key<'_>>()? {
                    match key.0.as_ref() {
                        "isEnabled" => out.is_enabled = Some(map.next_value()?),
                        "onPremisesGroupType" => out.on_premises_group_type = Some(map.next_value()?),
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(out)
            }
        }
        deserializer.deserialize_map(WritebackVisitor)
    }
}

impl Item for MemberRecord {
    fn property<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> std::result::Result<(), A::Error> {
        match key {
            "id" => {
                let Key(id) = map.next_value()?;
                self.id = match ObjectGuid::parse(&id) {
                    Some(guid) => MemberId::Guid(guid),
                    None => MemberId::Unreadable(id.into_owned()),
                };
            }
            "@odata.type" => {
                self.kind = map.next_value::<Option<Key<'_>>>()?.map_or(EntraKind::Unknown, |t| kind_of(&t.0))
            }
            "displayName" => self.display_name = map.next_value()?,
            "@removed" => {
                map.next_value::<IgnoredAny>()?;
                self.removed = true;
            }
            _ => {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

impl<'de> serde::Deserialize<'de> for MemberRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(ItemVisitor { what: "a member (an object with an id)", item: PhantomData })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ids(text: &str) -> Result<(Vec<String>, Summary)> {
        let mut out = Vec::new();
        let summary = read(text.as_bytes(), Path::new("groups.json"), &mut |r: Record| {
            out.push(r.id.ok_or("an object without id")?);
            Ok(())
        })?;
        Ok((out, summary))
    }

    #[test]
    fn an_answer_that_is_no_utf8_is_refused_at_its_place() {
        let answer = |bytes: &[u8]| read_answer::<Record>(bytes, Path::new("GET groups"));
        let (records, page) = answer("{\"value\":[{\"id\":\"a\",\"displayName\":\"ü\"}]}".as_bytes()).unwrap();
        assert_eq!((records[0].display_name.clone(), page.objects), (Some(Some("ü".to_owned())), 1));
        for text in [&b"{\"value\":[{\"id\":\"\xff\"}]}"[..], b"{\"val\xffue\":[]}"] {
            let error = answer(text).unwrap_err().to_string();
            assert!(error.starts_with("GET groups:1:"), "{error}");
        }
    }

    #[test]
    fn all_forms_are_the_same() {
        for text in [
            r#"{"@odata.context":"x","value":[{"id":"a"},{"id":"b"}]}"#,
            r#"{"value":[{"id":"a"}]} {"value":[{"id":"b"}],"@odata.nextLink":"y"}"#,
            r#"[{"id":"a"},{"id":"b"}]"#,
            "{\"id\":\"a\"}\r\n{\"id\":\"b\"}\r\n",
        ] {
            let (ids, summary) = ids(text).unwrap();
            assert_eq!((ids, summary.objects), (vec!["a".to_owned(), "b".to_owned()], 2), "{text}");
        }
        assert_eq!(ids(r#"{"value":[],"@odata.count":3}"#).unwrap().1.pages[0].count, Some(3));
        assert_eq!(ids("[]").unwrap().0.len(), 0);
    }

    #[test]
    fn absent_is_not_null() {
        let mut seen = Vec::new();
        let text = r#"[{"id":"a"},{"id":"b","onPremisesSyncEnabled":null,"writebackConfiguration":null},{"id":"c","onPremisesSyncEnabled":true,"writebackConfiguration":{"isEnabled":null,"x":1}}]"#;
        read(text.as_bytes(), Path::new("g.json"), &mut |r: Record| {
            seen.push((r.on_premises_sync_enabled, r.writeback.map(|w| w.map(|w| w.is_enabled))));
            Ok(())
        })
        .unwrap();
        assert_eq!(seen, [(None, None), (Some(None), Some(None)), (Some(Some(true)), Some(Some(Some(None))))]);
    }

    #[test]
    fn refused_with_place() {
        for (text, line, what) in [
            ("", 1, "empty"),
            ("{\"value\":[{\"id\":\"a\"},\n{\"id\":", 2, "cut off"),
            ("<!DOCTYPE html>", 1, "no JSON"),
            ("{\"value\":\n[{\"securityEnabled\":\"yes\"}]}", 2, "boolean"),
            ("{\"value\":[{\"name\":1}]}", 1, "without id"),
            ("[{\"id\":\"a\"}\n{\"id\":\"b\"}]", 2, "expected"),
            ("{\"value\":{\"id\":\"a\"}}", 1, "list"),
            ("12", 1, "expected an object"),
        ] {
            let error = ids(text).unwrap_err();
            assert!(error.message.contains(what), "{text}: {error}");
            assert_eq!(error.place.unwrap().line, Some(line), "{text}");
        }
    }

    proptest! {
        #[test]
        fn mutated_input_never_panics(at in 0usize..200, byte in any::<u8>(), cut in 0usize..200) {
            let mut text = br##"{"@odata.context":"c","value":[{"id":"3a5c3221-c465-48c0-95b8-e9305786a271","groupTypes":["Unified"],"members":[{"@odata.type":"#microsoft.graph.user","id":"x"}],"writebackConfiguration":{"isEnabled":true}}]}"##.to_vec();
            if let Some(b) = text.get_mut(at) { *b = byte; }
            let _ = read(&text[..], Path::new("x"), &mut |_: Record| Ok(()));
            text.truncate(cut);
            let _ = read(&text[..], Path::new("x"), &mut |_: Record| Ok(()));
        }
    }
}
