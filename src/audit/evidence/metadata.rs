//! Replication metadata: which attribute, and which value of a linked one, changed last, when, and on which controller. As
//! XML (`msDS-ReplAttributeMetaData`, `msDS-ReplValueMetaData`), or as the binary `replPropertyMetaData` of servers that
//! make no XML.

use crate::directory::ObjectGuid;
use base64::Engine as _;
use chrono::{DateTime, TimeDelta, Utc};
use hashbrown::HashMap;
use serde::Deserialize;

/// From 1601, where Windows counts from, to 1970, in seconds.
pub const SINCE_1601: i64 = 11_644_473_600;

/// One attribute, or one value of a linked attribute, and its last change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    pub attribute: String,
    /// The DN of the value, for a linked attribute, and whether it was taken out.
    pub value: Option<String>,
    pub removed: bool,
    pub time: DateTime<Utc>,
    pub version: u32,
    /// The controller on which the change began: the name in its NTDS settings DN, or its database's invocation id.
    pub controller: Option<String>,
}

/// A line of the bundle's file, as a live collection writes it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Raw {
    pub object_guid: ObjectGuid,
    pub attributes: Vec<String>,
    pub values: Vec<String>,
    pub binary: Option<String>,
}

#[derive(Debug, Default)]
pub struct Metadata {
    /// By objectGUID.
    groups: HashMap<ObjectGuid, Vec<Changed>>,
    pub cut: bool,
    /// Fragments that could not be read.
    pub unreadable: u64,
}

impl Metadata {
    pub fn group(&self, guid: ObjectGuid) -> Option<&[Changed]> {
        self.groups.get(&guid).map(Vec::as_slice)
    }
    pub fn len(&self) -> usize {
        self.groups.len()
    }
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }
    /// When the attribute of a group last changed.
    pub fn changed(&self, guid: ObjectGuid, attribute: &str) -> Option<DateTime<Utc>> {
        let all = self.group(guid)?.iter().filter(|c| c.value.is_none() && c.attribute.eq_ignore_ascii_case(attribute));
        all.map(|c| c.time).max()
    }

    pub fn take(&mut self, raw: &Raw) {
        let mut changes = Vec::new();
        for (fragment, is_value) in
            raw.attributes.iter().map(|f| (f, false)).chain(raw.values.iter().map(|f| (f, true)))
        {
            match read_fragment(fragment, is_value) {
                Some(change) => changes.push(change),
                None => self.unreadable += 1,
            }
        }
        if let Some(text) = &raw.binary {
            let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok();
            match bytes.and_then(|b| read_binary(&b)) {
                Some(found) => changes.extend(found),
                None => self.unreadable += 1,
            }
        }
        changes.sort_by(|a, b| (a.time, &a.attribute, &a.value).cmp(&(b.time, &b.attribute, &b.value)));
        self.groups.insert(raw.object_guid, changes);
    }
}

/// `<DS_REPL_ATTR_META_DATA>` or `<DS_REPL_VALUE_META_DATA>` with flat elements.
fn read_fragment(fragment: &str, is_value: bool) -> Option<Changed> {
    let fields = elements(fragment)?;
    let field = |name: &str| fields.iter().find(|(n, _)| n == name).map(|(_, v)| v.trim()).filter(|v| !v.is_empty());
    let time = |name: &str| field(name)?.parse::<DateTime<Utc>>().ok();
    let controller = field("pszLastOriginatingDsaDN").map(controller).or_else(|| {
        let id = field("uuidLastOriginatingDsaInvocationID")?;
        Some(format!("invocation id {id}"))
    });
    Some(Changed {
        attribute: field("pszAttributeName")?.to_owned(),
        value: is_value.then(|| field("pszObjectDn").unwrap_or_default().to_owned()),
        // 1601 is how "never" is written.
        removed: time("ftimeDeleted").is_some_and(|t| t.timestamp() > 0),
        time: time("ftimeLastOriginatingChange")?,
        version: field("dwVersion").and_then(|v| v.parse().ok()).unwrap_or(0),
        controller,
    })
}

/// Names and texts of the elements of a fragment, in order.
fn elements(fragment: &str) -> Option<Vec<(String, String)>> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(fragment);
    let (mut out, mut open, mut content): (Vec<(String, String)>, Option<String>, String) =
        (Vec::new(), None, String::new());
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                open = Some(start.local_name().as_ref().to_owned());
                content.clear();
            }
            Event::Text(part) => content.push_str(&part.xml10_content()),
            Event::GeneralRef(part) => match part.resolve_char_ref().ok()? {
                Some(c) => content.push(c),
                None => content.push_str(quick_xml::escape::resolve_predefined_entity(&part.xml10_content())?),
            },
            Event::End(_) => {
                if let Some(name) = open.take() {
                    out.push((name, std::mem::take(&mut content)));
                }
            }
            Event::Eof => return Some(out),
            _ => {}
        }
    }
}

/// `CN=NTDS Settings,CN=DC1,CN=Servers,…` → `DC1`.
fn controller(dsa: &str) -> String {
    let parsed = crate::directory::Dn::parse(dsa).ok();
    parsed.and_then(|dn| dn.rdns().get(1).map(|r| r.value().to_owned())).unwrap_or_else(|| dsa.to_owned())
}

/// Attribute ids by the prefix table that every forest begins with (MS-ADTS 5.16.4).
const ATTRIBUTES: [(u32, &str); 10] = [
    (0x3, "cn"),
    (0x1f, "member"),
    (0x9_0001, "name"),
    (0x9_00dd, "sAMAccountName"),
    (0x9_02ee, "groupType"),
    (0x9_0906, "msDS-ExternalDirectoryObjectId"),
    (0x9_0931, "msDS-ObjectSoa"),
    (0x2_00e2, "adminDescription"),
    (0x2_0119, "nTSecurityDescriptor"),
    (0x2_0002, "whenCreated"),
];

/// `replPropertyMetaData`: version 1, a count, and 48 bytes an attribute (MS-DRSR 5.164). Attributes of other ids are left
/// out.
pub fn read_binary(bytes: &[u8]) -> Option<Vec<Changed>> {
    let u32_at = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    let u64_at = |at: usize| Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    if u32_at(0)? != 1 {
        return None;
    }
    let count = u32_at(8)? as usize;
    if bytes.len().checked_sub(16)? / 48 < count {
        return None;
    }
    let mut out = Vec::new();
    for at in (0..count).map(|i| 16 + i * 48) {
        let id = u32_at(at)?;
        let Some((_, name)) = ATTRIBUTES.iter().find(|(known, _)| *known == id) else { continue };
        let seconds = i64::try_from(u64_at(at + 8)?).ok()?.checked_sub(SINCE_1601)?;
        let time = DateTime::<Utc>::UNIX_EPOCH.checked_add_signed(TimeDelta::try_seconds(seconds)?)?;
        let invocation = ObjectGuid::from_ad_bytes(bytes.get(at + 16..at + 32)?)?;
        out.push(Changed {
            attribute: (*name).to_owned(),
            value: None,
            removed: false,
            time,
            version: u32_at(at + 4)?,
            controller: Some(format!("invocation id {invocation}")),
        });
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fragments() {
        let attribute = "<DS_REPL_ATTR_META_DATA>\n\t<pszAttributeName>groupType</pszAttributeName>\n\t<dwVersion>3</dwVersion>\n\t<ftimeLastOriginatingChange>2026-11-20T06:00:00Z</ftimeLastOriginatingChange>\n\t<uuidLastOriginatingDsaInvocationID>f1b3c1d0-0000-4000-8000-000000000001</uuidLastOriginatingDsaInvocationID>\n\t<pszLastOriginatingDsaDN>CN=NTDS Settings,CN=DC1,CN=Servers,CN=Site,CN=Sites,CN=Configuration,DC=contoso,DC=com</pszLastOriginatingDsaDN>\n</DS_REPL_ATTR_META_DATA>\n";
        let value = "<DS_REPL_VALUE_META_DATA><pszAttributeName>member</pszAttributeName><pszObjectDn>CN=M&#252;ller &amp; S&quot;,DC=contoso,DC=com</pszObjectDn><ftimeDeleted>2026-11-20T07:00:00Z</ftimeDeleted><ftimeCreated>2026-11-19T07:00:00Z</ftimeCreated><dwVersion>2</dwVersion><ftimeLastOriginatingChange>2026-11-20T07:00:00Z</ftimeLastOriginatingChange><pszLastOriginatingDsaDN></pszLastOriginatingDsaDN></DS_REPL_VALUE_META_DATA>";
        let present = value.replace("<ftimeDeleted>2026-11-20T07", "<ftimeDeleted>1601-01-01T00");
        let guid = ObjectGuid::from_u128(7);
        let mut metadata = Metadata::default();
        metadata.take(&Raw {
            object_guid: guid,
            attributes: vec![attribute.to_owned(), "<broken".to_owned()],
            values: vec![value.to_owned(), present],
            ..Raw::default()
        });
        let all = metadata.group(guid).unwrap();
        assert_eq!((all.len(), metadata.unreadable), (3, 1));
        assert_eq!(
            (all[0].attribute.as_str(), all[0].version, all[0].controller.as_deref()),
            ("groupType", 3, Some("DC1"))
        );
        let removed: Vec<bool> = all[1..].iter().map(|c| c.removed).collect();
        assert!(removed == [true, false] || removed == [false, true]);
        assert_eq!(all[1].value.as_deref(), Some("CN=Müller & S\",DC=contoso,DC=com"));
        assert!(metadata.changed(guid, "GROUPTYPE").is_some() && metadata.changed(guid, "member").is_none());
    }

    #[test]
    fn binary() {
        let mut bytes = vec![1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0];
        for (id, seconds) in [(0x1fu32, SINCE_1601 as u64 + 60), (0x9_9999, 1)] {
            bytes.extend(id.to_le_bytes());
            bytes.extend(4u32.to_le_bytes());
            bytes.extend(seconds.to_le_bytes());
            bytes.extend([7; 16]);
            bytes.extend([0; 16]);
        }
        let found = read_binary(&bytes).unwrap();
        assert_eq!((found.len(), found[0].attribute.as_str(), found[0].time.timestamp()), (1, "member", 60));
        assert!(read_binary(&bytes[..bytes.len() - 1]).is_none());
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in ".{0,200}") {
            let _ = read_binary(&bytes);
            let _ = read_fragment(&text, true);
        }
    }
}
