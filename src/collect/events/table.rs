//! Events as CSV: what Event Viewer saves (five named columns and the message in a sixth without a name) and what
//! `Get-WinEvent | Export-Csv` writes (one column a property, the message with its line breaks).

use super::time::{self, Order, Time};
use super::{Raw, Sorter, message};
use crate::collect::source;
use crate::error::{Error, Place, Result};
use csv::StringRecord;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::Path;

pub(super) fn read(path: &Path, sorter: &mut Sorter<'_, '_>) -> Result<()> {
    let order = days_and_months(path)?;
    each(path, &mut |columns, record, line| {
        let place = || Place::file(path).line(line);
        let cell = |column: Option<usize>| column.and_then(|c| record.get(c)).map(str::trim).filter(|t| !t.is_empty());
        let id = cell(Some(columns.id)).unwrap_or_default();
        let id: u32 = id.parse().map_err(|_| {
            Error::input(place(), format!("the event id {id:?} is no number")).hint("Export the events again.")
        })?;
        let source = cell(columns.source);
        if !Sorter::wants(id, source) {
            sorter.pass_over(id);
            return Ok(());
        }
        let Some(text) = cell(Some(columns.message)) else {
            return Err(Error::input(place(), format!("event {id} without its message"))
                .hint("Export with the Message column: Get-WinEvent … | Select-Object TimeCreated, MachineName, Id, RecordId, Message | Export-Csv."));
        };
        let Some(fields) = message::fields(text) else {
            return Err(Error::input(place(), format!("the message of event {id} has no \"Subject:\" part: it is not in English, or cut"))
                .hint("Export as XML, which is the same in every language: wevtutil qe Security /f:XML, or Save As XML in Event Viewer."));
        };
        let raw = Raw {
            id,
            source: source.map(str::to_owned),
            time: cell(columns.time).map(|text| time_of(text, order, place())).transpose()?,
            computer: cell(columns.computer).map(str::to_owned),
            record: cell(columns.record).and_then(|r| r.parse().ok()),
            fields,
        };
        sorter.add(raw).map_err(|wrong| wrong.at(place()))
    })
}

fn time_of(text: &str, order: Option<Order>, place: Place) -> Result<Time> {
    Time::of_table(text, order).ok_or_else(|| {
        let what = match time::two_readings(text) {
            true => format!("{text:?} may be read with the day or with the month first, and no other date of the file tells which"),
            false => format!("{text:?} is no time"),
        };
        Error::input(place, what).hint("Export as XML (wevtutil qe Security /f:XML), or with the time as ISO 8601: Select-Object @{n='TimeCreated';e={$_.TimeCreated.ToUniversalTime().ToString('o')}}, …")
    })
}

/// The order of day and month, from the first date of the file that has only one reading.
fn days_and_months(path: &Path) -> Result<Option<Order>> {
    let mut order = None;
    each(path, &mut |columns, record, _| {
        if order.is_none()
            && let Some(text) = columns.time.and_then(|c| record.get(c))
        {
            order = time::order(text.trim());
        }
        Ok(())
    })?;
    Ok(order)
}

struct Columns {
    id: usize,
    message: usize,
    time: Option<usize>,
    computer: Option<usize>,
    record: Option<usize>,
    source: Option<usize>,
}

/// Gives every record with its line.
fn each(path: &Path, give: &mut dyn FnMut(&Columns, &StringRecord, u64) -> Result<()>) -> Result<()> {
    let mut input = BufReader::with_capacity(1 << 16, Watched { inner: source::open(path)?, quotes: 0 });
    let (skipped, first) = first_line(&mut input).map_err(|e| Error::io("read", path, e))?;
    let (head_line, mut head) = (skipped + 1, String::new());
    let delimiter = delimiter(&first);
    let whole = Cursor::new(first).chain(input);
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(whole);
    let mut record = StringRecord::new();
    let mut columns = None;
    loop {
        let line = reader.position().line() + skipped;
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(e) => return Err(refused(path, line, e)),
        }
        // The reader's position is before blank lines; the record's own is where it begins.
        let line = record.position().map_or(line, |p| p.line() + skipped);
        match &columns {
            None => {
                head = record.iter().collect::<Vec<_>>().join(", ");
                columns = Some(find(&record).ok_or_else(|| no_columns(path, head_line, &head))?);
            }
            Some(columns) => {
                if record.len() <= columns.id {
                    let last = matches!(reader.read_record(&mut StringRecord::new()), Ok(false));
                    if last && reader.get_ref().get_ref().1.get_ref().is_open() {
                        return Err(cut(path, line));
                    }
                    return Err(Error::input(
                        Place::file(path).line(line),
                        format!("a row of {} columns under a head of more ({head})", record.len()),
                    )
                    .hint("The file was cut or changed: export the events again."));
                }
                give(columns, &record, line)?;
            }
        }
    }
    if columns.is_none() {
        return Err(no_columns(path, head_line, &head));
    }
    match reader.get_ref().get_ref().1.get_ref().is_open() {
        true => Err(cut(path, reader.position().line() + skipped)),
        false => Ok(()),
    }
}

fn cut(path: &Path, line: u64) -> Error {
    Error::input(Place::file(path).line(line), "the file ends inside a quoted value: it looks cut off")
        .hint("Copy or export it again.")
}

fn refused(path: &Path, line: u64, error: csv::Error) -> Error {
    match error.into_kind() {
        csv::ErrorKind::Io(e) => Error::io("read", path, e),
        csv::ErrorKind::Utf8 { .. } => Error::input(Place::file(path).line(line), "bytes that are no UTF-8 text")
            .hint("Export with -Encoding UTF8, or save the file as UTF-8 or as UTF-16 with a byte order mark."),
        other => Error::input(Place::file(path).line(line), format!("no row of a table: {other:?}")),
    }
}

fn no_columns(path: &Path, line: u64, head: &str) -> Error {
    let found = match head {
        "" => "an empty file".to_owned(),
        head => format!("the columns are {}", head.chars().take(200).collect::<String>()),
    };
    Error::input(Place::file(path).line(line), format!("no columns of an event export: {found}")).hint(
        "There must be the columns Id and Message (Get-WinEvent | Export-Csv), or Event ID as Event Viewer saves it.",
    )
}

/// The first line, and how many were passed over before it: `#TYPE …` of Windows PowerShell, `sep=;` of spreadsheets.
fn first_line(input: &mut impl BufRead) -> std::io::Result<(u64, Vec<u8>)> {
    let mut skipped = 0;
    loop {
        let mut line = Vec::new();
        // A longer one is no head of a table, and memory is not to be filled by it; the rest is read on as it comes.
        input.by_ref().take(1 << 16).read_until(b'\n', &mut line)?;
        let starts = |mark: &[u8]| line.len() >= mark.len() && line[..mark.len()].eq_ignore_ascii_case(mark);
        if ![&b"#TYPE"[..], b"sep=", b"\"sep="].iter().any(|mark| starts(mark)) {
            return Ok((skipped, line));
        }
        skipped += 1;
    }
}

/// What stands between the columns of the first line.
fn delimiter(line: &[u8]) -> u8 {
    let of = |b: u8| line.iter().filter(|x| **x == b).count();
    [b',', b';', b'\t'].into_iter().max_by_key(|b| (of(*b), *b == b',')).unwrap_or(b',')
}

fn find(head: &StringRecord) -> Option<Columns> {
    let column = |names: &[&str]| {
        names.iter().find_map(|name| head.iter().position(|cell| cell.trim().eq_ignore_ascii_case(name)))
    };
    let viewer = column(&["Task Category"]).is_some();
    Some(Columns {
        id: column(&["Event ID", "EventID", "Id", "Event_ID"])?,
        // The viewer leaves the head of the message away.
        message: column(&["Message", "Description", "General"]).or_else(|| viewer.then_some(head.len()))?,
        time: column(&["TimeCreated", "Date and Time", "TimeGenerated", "Date"]),
        computer: column(&["MachineName", "Computer", "ComputerName"]),
        record: column(&["RecordId", "EventRecordID", "Index"]),
        source: column(&["ProviderName", "Source"]),
    })
}

/// Counts quotation marks as they pass, and takes carriage returns away: the reader counts lines by their line feeds only
/// where no other end of a line stands before them.
struct Watched<R> {
    inner: R,
    quotes: u64,
}

impl<R> Watched<R> {
    /// Quotes come in pairs, within a value too.
    fn is_open(&self) -> bool {
        !self.quotes.is_multiple_of(2)
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let n = self.inner.read(buffer)?;
            let mut kept = 0;
            for at in 0..n {
                let byte = buffer[at];
                self.quotes += u64::from(byte == b'"');
                if byte != b'\r' {
                    buffer[kept] = byte;
                    kept += 1;
                }
            }
            // Nothing read is the end of the file; nothing kept is not.
            if n == 0 || kept > 0 {
                return Ok(kept);
            }
        }
    }
}
