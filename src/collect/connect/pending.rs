//! Pending exports as `csexport … /f:x` writes them. No sample of the detail is published, so elements are found by
//! name wherever they stand, letter case aside, and whatever is not understood counts as a change. The file is streamed:
//! it can be larger than memory.

use super::xml::{Item, Xml};
use crate::directory::connect::{Operation, PendingAttribute, PendingExports, PendingObject, PendingReference};
use crate::directory::same_dn;
use crate::error::Result;
use std::path::Path;

/// Reads one file; `shown` is the name that the result carries.
pub fn read_pending_exports(path: &Path, shown: &str) -> Result<PendingExports> {
    pending_exports(Xml::open(path)?, shown)
}

/// True where the root element says that this is a `csexport` file.
pub(super) fn is_csexport(path: &Path) -> bool {
    let Ok(mut xml) = Xml::open(path) else { return false };
    matches!(xml.next(), Ok(Item::Start(name)) if name.eq_ignore_ascii_case("cs-objects"))
}

pub(super) fn pending_exports(mut xml: Xml, shown: &str) -> Result<PendingExports> {
    let mut pending = PendingExports { file: shown.to_owned(), objects: Vec::new() };
    let mut recognised = false;
    loop {
        match xml.next()? {
            Item::Start(name) if name.eq_ignore_ascii_case("cs-objects") => recognised = true,
            Item::Start(name) if name.eq_ignore_ascii_case("cs-object") => {
                recognised = true;
                pending.objects.push(object(&mut xml)?);
            }
            Item::Start(_) | Item::End => {}
            Item::Eof if recognised => return Ok(pending),
            Item::Eof => {
                return Err(xml
                    .error("no pending exports in this file: it has neither <cs-objects> nor <cs-object>")
                    .hint(
                        "Write it on the Connect server: csexport \"<name of the AD connector>\" csexport.xml /f:x",
                    ));
            }
        }
    }
}

fn object(xml: &mut Xml) -> Result<PendingObject> {
    let depth = xml.depth();
    let mut object = PendingObject {
        dn: xml.attribute("cs-dn")?.unwrap_or_default(),
        object_type: xml.attribute("object-type")?.unwrap_or_default(),
        ..PendingObject::default()
    };
    while let Some(name) = xml.child(depth)? {
        match name.to_ascii_lowercase().as_str() {
            "delta" => delta(xml, &mut object)?,
            // An image of the object: only its anchor matters here.
            name if name.ends_with("hologram") => hologram(xml, &mut object)?,
            // What came in, or went out and waits to be confirmed, is no pending export.
            name if name.starts_with("pending-import") || name.starts_with("unconfirmed-export") => xml.skip()?,
            // Anything else, `unapplied-export` above all, may hold a delta: its children come next.
            _ => {}
        }
    }
    Ok(object)
}

fn delta(xml: &mut Xml, object: &mut PendingObject) -> Result<()> {
    let depth = xml.depth();
    let operation = Operation::read(xml.attribute("operation")?.as_deref());
    object.operation = graver(std::mem::take(&mut object.operation), operation);
    if let Some(dn) = xml.attribute("dn")?.filter(|dn| !dn.is_empty()) {
        // The object's own name stays in front: what differs is where it goes.
        if object.dn.is_empty() {
            object.dn = dn;
        } else if object.new_dn.is_none() && !same_dn(&dn, &object.dn) {
            object.new_dn = Some(dn);
        }
    }
    if let Some(new_dn) = xml.attribute("newdn")?.filter(|dn| !dn.is_empty()) {
        object.new_dn = Some(new_dn);
    }
    while let Some(name) = xml.child(depth)? {
        match name.to_ascii_lowercase().as_str() {
            "dn-attr" => reference(xml, object)?,
            "attr" => attribute(xml, object)?,
            "newdn" => object.new_dn = Some(xml.text()?.trim().to_owned()).filter(|dn| !dn.is_empty()),
            _ => {}
        }
    }
    Ok(())
}

/// Of two operations on one object the one that does more.
fn graver(a: Operation, b: Operation) -> Operation {
    let weight = |operation: &Operation| match operation {
        Operation::Unsaid => 0,
        Operation::None => 1,
        Operation::Update => 2,
        Operation::Replace => 3,
        Operation::Add => 4,
        Operation::Unknown(_) => 5,
        Operation::Delete => 6,
    };
    if weight(&b) > weight(&a) { b } else { a }
}

fn attribute(xml: &mut Xml, object: &mut PendingObject) -> Result<()> {
    let depth = xml.depth();
    let name = xml.attribute("name")?.unwrap_or_default();
    let operation = Operation::read(xml.attribute("operation")?.as_deref());
    while let Some(part) = xml.child(depth)? {
        // Values are not kept: they may be anything, and their names and number say enough.
        if is_anchor(&name) && part.eq_ignore_ascii_case("value") && object.anchor.is_none() {
            object.anchor = anchor_value(xml)?;
        } else {
            xml.skip()?;
        }
    }
    object.attributes.push(PendingAttribute { name, operation });
    Ok(())
}

fn reference(xml: &mut Xml, object: &mut PendingObject) -> Result<()> {
    let depth = xml.depth();
    let mut change = PendingReference {
        attribute: xml.attribute("name")?.unwrap_or_default(),
        operation: Operation::read(xml.attribute("operation")?.as_deref()),
        ..PendingReference::default()
    };
    while let Some(part) = xml.child(depth)? {
        if !part.to_ascii_lowercase().ends_with("value") {
            xml.skip()?;
            continue;
        }
        let operation = Operation::read(xml.attribute("operation")?.as_deref());
        let named = xml.attribute("dn")?;
        let dn = value_dn(xml, named)?;
        // A value that says nothing of its own follows its attribute, where that leaves no doubt.
        let operation = match (operation, &change.operation) {
            (Operation::Unsaid, Operation::Add | Operation::Delete) => change.operation.clone(),
            (operation, _) => operation,
        };
        match operation {
            Operation::Add => change.added.push(dn),
            Operation::Delete => change.removed.push(dn),
            _ => change.unclear.push(dn),
        }
    }
    object.references.push(change);
    Ok(())
}

/// The name that a reference value holds: its `dn` attribute, a child `<dn>`, or its own text.
fn value_dn(xml: &mut Xml, named: Option<String>) -> Result<String> {
    let depth = xml.depth();
    let (mut dn, mut inside) = xml.leading_text()?;
    while inside {
        if xml.name().eq_ignore_ascii_case("dn") {
            dn = xml.text()?
        } else {
            xml.skip()?
        }
        inside = xml.child(depth)?.is_some();
    }
    Ok(named.unwrap_or_else(|| dn.trim().to_owned()))
}

/// Only the anchor is read from an image of the object.
fn hologram(xml: &mut Xml, object: &mut PendingObject) -> Result<()> {
    let depth = xml.depth();
    while let Some(name) = xml.child(depth)? {
        match name.to_ascii_lowercase().as_str() {
            "attr" if object.anchor.is_some() || !xml.attribute("name")?.is_some_and(|n| is_anchor(&n)) => {
                xml.skip()?
            }
            "value" => object.anchor = anchor_value(xml)?,
            "dn-attr" => xml.skip()?,
            _ => {}
        }
    }
    Ok(())
}

fn is_anchor(attribute: &str) -> bool {
    attribute.eq_ignore_ascii_case("adminDescription")
}

fn anchor_value(xml: &mut Xml) -> Result<Option<String>> {
    let text = xml.text()?;
    let text = text.trim();
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<PendingExports, Error> {
        let text = text.to_owned().into_bytes();
        pending_exports(Xml::from_reader(Path::new("csexport.xml"), std::io::Cursor::new(text))?, "csexport.xml")
    }

    fn one(inside: &str) -> PendingObject {
        let text =
            format!("<cs-objects><cs-object cs-dn='CN=a,DC=x' object-type='group'>{inside}</cs-object></cs-objects>");
        read(&text).unwrap().objects.remove(0)
    }

    #[test]
    fn operations() {
        use Operation::*;
        for (inside, operation, change) in [
            ("<unapplied-export><delta operation='add' dn='CN=a,DC=x'/></unapplied-export>", Add, true),
            ("<unapplied-export><delta operation='Delete'/></unapplied-export>", Delete, true),
            ("<unapplied-export><delta operation='none'/></unapplied-export>", None, false),
            ("<unapplied-export><delta operation='none' newdn='CN=b,DC=x'/></unapplied-export>", None, true),
            ("<unapplied-export><delta operation='vanish'/></unapplied-export>", Unknown("vanish".into()), true),
            ("<escrowed-export><delta operation='update'/></escrowed-export>", Update, true),
            ("<pending-import><delta operation='add'/></pending-import>", Unsaid, true),
            ("<unconfirmed-export><delta operation='add'/></unconfirmed-export>", Unsaid, true),
            ("<new-wrapper><inner><DELTA OPERATION='delete'/></inner></new-wrapper>", Delete, true),
            ("", Unsaid, true),
        ] {
            let object = one(inside);
            assert_eq!((&object.operation, object.is_change()), (&operation, change), "{inside}");
        }
    }

    #[test]
    fn members() {
        let object = one("<unapplied-export><delta operation='update' dn='CN=a,DC=x'>\
             <attr name='description' operation='replace'><value>x &amp; y</value></attr>\
             <dn-attr name='member' operation='update'>\
               <dn-value operation='add'><dn>CN=u1,DC=x</dn></dn-value>\
               <dn-value operation='delete' dn='CN=u2,DC=x'/>\
               <dn-value>CN=u3,DC=x</dn-value></dn-attr>\
             <dn-attr name='managedBy' operation='add'><dn-value><dn>CN=m,DC=x</dn></dn-value></dn-attr>\
             </delta></unapplied-export>\
             <unapplied-export-hologram><entry dn='CN=a,DC=x'><attr name='cn'><value>a</value></attr>\
             <attr name='adminDescription'><value>Group_3a5c3221-c465-48c0-95b8-e9305786a271</value></attr></entry>\
             </unapplied-export-hologram>");
        assert_eq!(object.attributes, [PendingAttribute { name: "description".into(), operation: Operation::Replace }]);
        let member = &object.references[0];
        assert_eq!(
            (&member.added[..], &member.removed[..]),
            (&["CN=u1,DC=x".to_owned()][..], &["CN=u2,DC=x".to_owned()][..])
        );
        assert_eq!(member.unclear, ["CN=u3,DC=x"]);
        assert_eq!(object.references[1].added, ["CN=m,DC=x"]);
        assert!(object.changes_reference("Member") && !object.changes_reference("owner"));
        assert_eq!(object.anchor.as_deref(), Some("Group_3a5c3221-c465-48c0-95b8-e9305786a271"));
    }

    #[test]
    fn renames() {
        let object = one("<unapplied-export><delta operation='update' dn='CN=b,DC=x'/></unapplied-export>");
        assert_eq!((object.dn.as_str(), object.new_dn.as_deref()), ("CN=a,DC=x", Some("CN=b,DC=x")));
    }

    #[test]
    fn empty_and_foreign() {
        assert_eq!(read("<cs-objects/>").unwrap().objects, []);
        for (text, says) in [
            ("<html/>", "neither <cs-objects>"),
            ("", "neither <cs-objects>"),
            ("<cs-objects><cs-object>", "the file ends before"),
            ("<!DOCTYPE a><cs-objects/>", "document type"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(says) && error.contains("csexport.xml:1"), "{text}: {error}");
        }
    }

    fn escaped(text: &str) -> String {
        text.chars().map(|c| format!("&#x{:X};", u32::from(c))).collect()
    }

    proptest! {
        #[test]
        fn round_trips(
            objects in proptest::collection::vec(
                ("[ -~äß中]{1,20}", proptest::collection::vec("[ -~äß中]{1,20}", 0..4), 0..3usize), 0..5)
        ) {
            let mut text = String::from("<cs-objects>");
            let mut want = Vec::new();
            for (dn, members, kind) in &objects {
                let word = ["add", "delete", "odd"][*kind];
                text.push_str(&format!("<cs-object cs-dn='{}'><unapplied-export><delta operation='update'>", escaped(dn)));
                text.push_str("<dn-attr name='member' operation='update'>");
                for member in members {
                    text.push_str(&format!("<dn-value operation='{word}' dn='{}'/>", escaped(member)));
                }
                text.push_str("</dn-attr></delta></unapplied-export></cs-object>");
                let mut change = PendingReference {
                    attribute: "member".into(), operation: Operation::Update, ..PendingReference::default()
                };
                match kind {
                    0 => change.added = members.clone(),
                    1 => change.removed = members.clone(),
                    _ => change.unclear = members.clone(),
                }
                want.push(PendingObject {
                    dn: dn.clone(), operation: Operation::Update, references: vec![change], ..PendingObject::default()
                });
            }
            text.push_str("</cs-objects>");
            prop_assert_eq!(read(&text).unwrap().objects, want);
        }

        #[test]
        fn never_panics(text in "(<cs-objects>|<cs-object|<delta|<attr name='member'|dn=|'|>|/>|</delta>|&amp;|&|[ -~]){0,40}") {
            let _ = read(&text);
        }
    }
}
