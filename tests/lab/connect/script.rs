//! A rendered script as the double reads it: what a PowerShell would take from its text.

use super::Rule;

/// What is in a script.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Script {
    pub step: String,
    pub kind: String,
    pub nonce: String,
    pub plan: String,
    pub server: String,
    /// It refuses to run outside of staging mode.
    pub staging_only: bool,
    /// It shows of a rule which types of objects it joins.
    pub shows_object_types: bool,
    /// Rules that it makes.
    pub rules: Vec<Rule>,
    /// Identifiers of rules that must be in force, or that it takes away.
    pub needed: Vec<String>,
    pub connectors: Vec<String>,
    pub domain: String,
}

impl Script {
    pub fn read(text: &str) -> Result<Script, String> {
        let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
        let must =
            |what: &str, found: Option<String>| found.ok_or_else(|| format!("the script does not say its {what}"));
        Ok(Script {
            step: must("step", assigned(&text, "step "))?,
            kind: must("kind", assigned(&text, "kind "))?,
            nonce: must("nonce", assigned(&text, "[string]$Nonce "))?,
            plan: must("plan", assigned(&text, "$PlanHash "))?,
            server: must("server", assigned(&text, "$PlannedServer "))?,
            staging_only: text.contains("throw 'This server is not in staging mode"),
            shows_object_types: ["sourceObjectType = ", "targetObjectType = "].iter().all(|t| text.contains(t)),
            rules: rules(&text),
            needed: [list(&text, "$Needed = @("), list(&text, "$Ours = @(")].concat(),
            connectors: list(&text, "foreach ($Connector in @("),
            domain: assigned(&text, "$Domain ").unwrap_or_default(),
        })
    }
}

/// The text in quotation marks that a line assigns to a name; the name at the line's beginning.
fn assigned(text: &str, name: &str) -> Option<String> {
    let line = text.lines().map(str::trim_start).find_map(|l| l.strip_prefix(name))?;
    quoted(line.trim_start().strip_prefix('=')?)
}

/// The first text in single quotation marks; two of them stand for one.
fn quoted(text: &str) -> Option<String> {
    let mut chars = text[text.find('\'')? + 1..].chars().peekable();
    let mut out = String::new();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\'', Some('\'')) => {
                chars.next();
                out.push('\'');
            }
            ('\'', _) => return Some(out),
            _ => out.push(c),
        }
    }
    None
}

/// The texts of a list, one a line, to its closing bracket.
fn list(text: &str, head: &str) -> Vec<String> {
    let Some(at) = text.find(head) else { return Vec::new() };
    text[at + head.len()..].lines().take_while(|l| !l.trim_start().starts_with(')')).filter_map(quoted).collect()
}

/// Every text in quotation marks of a line.
fn all_quoted(line: &str) -> Vec<String> {
    let parts: Vec<&str> = line.split('\'').collect();
    parts.iter().skip(1).step_by(2).map(|p| (*p).to_owned()).collect()
}

fn rules(text: &str) -> Vec<Rule> {
    let mut out = Vec::new();
    let description = assigned(text, "Description ").unwrap_or_default();
    for head in ["$Inbound = @{", "$Outbound = @{"] {
        for block in text.split(head).skip(1) {
            let block = block.split("$Outbound = @{").next().unwrap_or(block);
            let value = |name: &str| assigned(block, name).unwrap_or_default();
            let number = block.lines().map(str::trim).find_map(|l| l.strip_prefix("Precedence"));
            let number = number.and_then(|l| l.trim_start().strip_prefix('=')).and_then(|n| n.trim().parse().ok());
            let conditions = block
                .split("(New-Condition ")
                .skip(1)
                .filter_map(|c| match all_quoted(c.split(')').next()?).as_slice() {
                    [attribute, value, operator] => Some((attribute.clone(), operator.clone(), value.clone())),
                    _ => None,
                })
                .collect();
            let flows = block
                .lines()
                .filter(|l| l.contains("Add-ADSyncAttributeFlowMapping"))
                .filter_map(|l| match all_quoted(l).as_slice() {
                    [source, destination, kind, ..] => Some((destination.clone(), kind.clone(), source.clone())),
                    _ => None,
                })
                .collect();
            out.push(Rule {
                id: value("Identifier "),
                name: value("Name "),
                description: description.clone(),
                direction: value("Direction "),
                connector: value("Connector "),
                link_type: value("LinkType "),
                precedence: number.unwrap_or(-1),
                disabled: false,
                flows,
                conditions,
            });
        }
    }
    out
}
