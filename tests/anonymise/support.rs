//! A bundle, its anonymised copy, and what is asked of both.

use groupshift::assess::{AboutBundle, Assessed, Settings};
use groupshift::bundle::anonymise::{Key, anonymise_with};
use groupshift::bundle::{self, Manifest};
use groupshift::collect::offline::{self, Wishes};
use groupshift::directory::inventory::Inventory;
use groupshift::report::model::{Assessment, View};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

pub struct Pair {
    _dir: tempfile::TempDir,
    pub original: PathBuf,
    pub copy: PathBuf,
    pub before: Inventory,
    pub after: Inventory,
    pub manifest: Manifest,
}

impl Pair {
    /// A bundle of the export that `make` writes, and its copy under a fixed key.
    pub fn of(make: impl FnOnce(&Path)) -> Pair {
        let dir = tempfile::tempdir().unwrap();
        let (export, original, copy) =
            (dir.path().join("export"), dir.path().join("original"), dir.path().join("copy"));
        make(&export);
        let collected = offline::collect(&export, &Wishes::default(), &mut |_, _| {}).unwrap();
        let about = bundle::write::About {
            created: "2026-11-20T17:00:00Z".to_owned(),
            anonymised: false,
            sources: collected.sources,
            certificate: collected.certificate,
        };
        bundle::write(&collected.inventory, about, &original).unwrap();
        let (opened, inventory) = bundle::open(&original).unwrap();
        let (inventory, about) = anonymise_with(inventory, &opened.manifest, Key::fixed(42));
        bundle::write(&inventory, about, &copy).unwrap();
        let (opened, after) = bundle::open(&copy).unwrap();
        let (_, before) = bundle::open(&original).unwrap();
        Pair { _dir: dir, original, copy, before, after, manifest: opened.manifest }
    }

    /// Group by group in the order of the original, and gate by gate.
    ///
    /// Returns how often which rule was found or open, to see that the test is worth something.
    pub fn same_verdicts(&self) -> String {
        let settings = Settings::default();
        let (a, b) = (assess(&self.before, &settings), assess(&self.after, &settings));
        let rows: HashMap<&str, usize> =
            (0..self.before.ad.objects.len()).map(|i| (self.before.dn(i as u32), i)).collect();
        let ids: HashMap<String, String> = (0..self.before.entra.objects.len())
            .map(|i| (self.before.entra.objects[i].id.to_string(), self.after.entra.objects[i].id.to_string()))
            .collect();
        let key = |dn: &Option<String>, id: &Option<String>| {
            format!("{dn:?} {}", if dn.is_none() { id.clone().unwrap_or_default() } else { String::new() })
        };
        let others: HashMap<String, usize> =
            b.groups.iter().enumerate().map(|(i, g)| (key(&g.dn, &g.object_id), i)).collect();
        assert_eq!(others.len(), a.groups.len());
        let mut wrong = Vec::new();
        for group in &a.groups {
            let dn = group.dn.as_deref().map(|dn| self.after.dn(rows[dn] as u32).to_owned());
            let id = group.object_id.as_ref().map(|id| ids.get(id).cloned().unwrap_or_default());
            let other = &b.groups[others[&key(&dn, &id)]];
            let short = |g: &groupshift::report::model::Group| {
                let findings: Vec<String> = g
                    .findings
                    .iter()
                    .map(|f| format!("{} {} {}", f.rule, f.status.as_str(), f.severity.as_str()))
                    .collect();
                (
                    g.verdict.as_str(),
                    g.members,
                    g.object_guid.is_some(),
                    g.sid.is_some(),
                    g.display_name.is_some(),
                    findings,
                )
            };
            if short(group) != short(other) {
                wrong.push(format!("{:?} / {:?}\n  {:?}\n  {:?}", group.dn, other.dn, short(group), short(other)));
            }
        }
        assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
        let gates = |x: &Assessment| x.header.gates.iter().map(|g| (g.id.clone(), g.status)).collect::<Vec<_>>();
        assert_eq!(gates(&a), gates(&b));
        assert_eq!(a.header.summary, b.header.summary);
        let rules = &a.header.summary.rules;
        let told =
            rules.iter().filter(|r| r.found + r.unknown > 0).map(|r| format!("{} {}+{}?", r.rule, r.found, r.unknown));
        let gates = a.header.gates.iter().map(|g| format!("{} {}", g.id, g.status.as_str()));
        told.chain(gates).collect::<Vec<_>>().join(", ")
    }

    /// Every name of the original: of objects, domains, servers.
    pub fn names(&self) -> Vec<String> {
        let i = &self.before;
        let text = |t| i.text.get(t).unwrap_or("").to_owned();
        let mut out: Vec<String> = Vec::new();
        for object in &i.ad.objects {
            out.extend([text(object.dn), text(object.sam_account_name)]);
        }
        for group in &i.ad.groups {
            out.extend([text(group.display_name), text(group.description), text(group.mail)]);
        }
        out.extend(i.entra.objects.iter().map(|o| text(o.name)));
        for group in &i.entra.groups {
            out.extend([text(group.display_name), text(group.description), text(group.mail_nickname)]);
        }
        out.extend(i.ad.environment.domains.iter().cloned());
        out.extend(i.ad.environment.domain_controllers.iter().map(|c| c.name.clone()));
        out.extend(i.connect.iter().map(|s| s.name.clone()));
        out.extend(i.entra.tenant.display_name.clone());
        out
    }

    /// Every id of the original, and the digits that names end in.
    pub fn ids(&self) -> BTreeSet<String> {
        let guids = self.before.ad.objects.iter().map(|o| o.guid).chain(self.before.entra.objects.iter().map(|o| o.id));
        guids.filter(|g| !g.is_nil()).map(|g| g.to_string()[24..].to_owned()).collect()
    }
}

pub fn assess(inventory: &Inventory, settings: &Settings) -> Assessment {
    let about = AboutBundle {
        created: String::new(),
        sha256: String::new(),
        complete: true,
        anonymised: false,
        limits: Vec::new(),
    };
    let assessed = Assessed::run(inventory, settings, about).unwrap();
    Assessment { header: assessed.header().clone(), groups: (0..assessed.len()).map(|i| assessed.group(i)).collect() }
}

/// Everything a bundle holds, decompressed; security descriptors as hexadecimal beside.
pub fn bytes_of(bundle: &Path) -> String {
    use base64::Engine as _;
    let mut out = String::new();
    for name in std::iter::once("manifest.json").chain(bundle::files::DATA) {
        let bytes = std::fs::read(bundle.join(name)).unwrap();
        let plain = if name.ends_with(".zst") { zstd::decode_all(&bytes[..]).unwrap() } else { bytes };
        if name == bundle::files::AD_DESCRIPTORS {
            for line in String::from_utf8(plain.clone()).unwrap().lines() {
                let text: String = serde_json::from_str(line).unwrap();
                let raw = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
                out.extend(raw.iter().map(|b| format!("{b:02x}")));
                out.push('\n');
                out.push_str(&String::from_utf8_lossy(&raw.iter().copied().filter(|b| *b != 0).collect::<Vec<_>>()));
            }
        }
        out.push_str(&String::from_utf8(plain).unwrap());
    }
    out
}

/// The words of a text, lower case.
pub fn words(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase).collect()
}
