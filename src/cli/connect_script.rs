//! `connect-script`: the collector for a Connect server.

use super::printer::Printer;
use crate::collect::connect_script;
use crate::error::{Error, Place, Result, exit};
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    /// Write the script to this new file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Text that the evidence repeats, so that it can be told from an older one
    #[arg(long, value_name = "TEXT")]
    nonce: Option<String>,
}

pub fn run(args: Args, printer: &mut Printer) -> Result<u8> {
    let script = connect_script::render(args.nonce.as_deref())?;
    let Some(path) = args.out else {
        match printer.is_json() {
            true => printer.json(&json!({ "script": script })),
            false => printer.line(script.trim_end()),
        }
        return Ok(exit::DONE);
    };
    let mut file = std::fs::File::create_new(&path).map_err(|e| match e.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Error::usage("the file exists; it is not overwritten").at(Place::file(&path))
        }
        _ => Error::io("create", &path, e),
    })?;
    file.write_all(script.as_bytes()).map_err(|e| Error::io("write", &path, e))?;
    match printer.is_json() {
        true => printer.json(&json!({ "file": path })),
        false => printer.line(path.display().to_string()),
    }
    printer.note("Run it on every Connect server, in Windows PowerShell, and put each connect-state.json into connect/<server>/. It reads only.");
    Ok(exit::DONE)
}
