//! Events as XML: one after another, within `<Events>` or without any root, in any namespace.

use super::time::Time;
use super::{Raw, Sorter};
use crate::collect::connect::xml::{Item, Xml};
use crate::error::{Error, Result};
use std::path::Path;

pub(super) fn read(path: &Path, sorter: &mut Sorter<'_, '_>) -> Result<()> {
    let mut xml = Xml::open(path)?.fragments();
    loop {
        match xml.next()? {
            Item::Start(name) if name == "Event" => event(&mut xml, sorter)?,
            Item::Start(name) if name == "Events" && xml.depth() == 1 => {}
            Item::Start(name) => return Err(foreign(&xml, &name)),
            Item::End => {}
            Item::Eof => return Ok(()),
        }
    }
}

fn foreign(xml: &Xml, name: &str) -> Error {
    let hint = match name {
        "Objs" => "Export-Clixml writes its own format: use Export-Csv, or wevtutil qe Security /f:XML.",
        _ => "Export with wevtutil qe Security /f:XML, or save as XML in Event Viewer.",
    };
    xml.error(format!("<{name}> where an <Event> is expected")).hint(hint)
}

/// The event that was just entered.
fn event(xml: &mut Xml, sorter: &mut Sorter<'_, '_>) -> Result<()> {
    let place = xml.place();
    let mut raw = Raw::default();
    let mut has_id = false;
    let inside = xml.depth();
    while let Some(name) = xml.child(inside)? {
        match name.as_str() {
            "System" => has_id |= system(xml, &mut raw)?,
            "EventData" if !has_id || Sorter::wants(raw.id, raw.source.as_deref()) => data(xml, &mut raw)?,
            _ => xml.skip()?,
        }
    }
    if !has_id {
        return Err(Error::input(place, "an event without an EventID").hint("Export the events again."));
    }
    sorter.add(raw).map_err(|wrong| wrong.at(place))
}

/// True where it has an id.
fn system(xml: &mut Xml, raw: &mut Raw) -> Result<bool> {
    let inside = xml.depth();
    let mut has_id = false;
    while let Some(name) = xml.child(inside)? {
        match name.as_str() {
            "Provider" => {
                raw.source = xml.attribute("Name")?;
                xml.skip()?;
            }
            "EventID" => {
                let text = xml.text()?;
                raw.id = text.trim().parse().map_err(|_| {
                    xml.error(format!("EventID {text:?} is no number")).hint("Export the events again.")
                })?;
                has_id = true;
            }
            "TimeCreated" => {
                if let Some(text) = xml.attribute("SystemTime")? {
                    raw.time = Some(Time::of_system(&text).ok_or_else(|| {
                        xml.error(format!("SystemTime {text:?} is no time")).hint("Export the events again.")
                    })?);
                }
                xml.skip()?;
            }
            "EventRecordID" => raw.record = xml.text()?.trim().parse().ok(),
            "Computer" => raw.computer = Some(xml.text()?.trim().to_owned()).filter(|c| !c.is_empty()),
            _ => xml.skip()?,
        }
    }
    Ok(has_id)
}

fn data(xml: &mut Xml, raw: &mut Raw) -> Result<()> {
    let inside = xml.depth();
    while let Some(name) = xml.child(inside)? {
        if name != "Data" {
            xml.skip()?;
            continue;
        }
        let key = xml.attribute("Name")?;
        let value = xml.text()?;
        // A name that comes twice is the first one: what stands later may come from a value.
        if let Some(key) = key {
            raw.fields.entry(key).or_insert(value);
        }
    }
    Ok(())
}
