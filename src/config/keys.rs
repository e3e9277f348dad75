//! The one registry of keys. Each key is written down once, here: the macro makes of it a field of a plain struct, its
//! default, its row in `KEYS` (which parsing, environment, `show`, the schema and the errors read) and its explanation.

use super::kind::{Kind, Value};
use std::path::PathBuf;

/// One key of one section.
pub struct Key {
    pub section: &'static str,
    pub name: &'static str,
    pub kind: Kind,
    /// What it is for, in sentences.
    pub about: &'static str,
    /// Puts a checked value into its field; false where the field is of another type than the kind says.
    pub put: fn(&mut Settings, Value) -> bool,
    /// The value as it stands; `None` where nothing is set.
    pub get: fn(&Settings) -> Option<Value>,
}

impl Key {
    /// `ad.url`.
    pub fn path(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }
    /// `GROUPSHIFT_AD_URL`.
    pub fn variable(&self) -> String {
        format!("{}{}_{}", super::PREFIX, self.section, self.name).to_ascii_uppercase()
    }
}

/// The section and its explanation.
pub struct Section {
    pub name: &'static str,
    pub about: &'static str,
}

/// How a field takes a value in and gives it out.
trait Field {
    fn put(&mut self, value: Value) -> bool;
    fn get(&self) -> Option<Value>;
}

macro_rules! fields {
    ($($type:ty: $variant:ident, $into:expr, $get:expr;)+) => {$(
        impl Field for $type {
            fn put(&mut self, value: Value) -> bool {
                let into: fn(_) -> Option<$type> = $into;
                match value {
                    Value::$variant(value) => into(value).map(|value| *self = value).is_some(),
                    _ => false,
                }
            }
            fn get(&self) -> Option<Value> {
                let get: fn(&$type) -> Option<Value> = $get;
                get(self)
            }
        }
    )+};
}

fields! {
    Option<String>: Text, |text| Some(Some(text)), |field| field.clone().map(Value::Text);
    String: Text, Some, |field| Some(Value::Text(field.clone()));
    Option<PathBuf>: Path, |path| Some(Some(path)), |field| field.clone().map(Value::Path);
    PathBuf: Path, Some, |field| Some(Value::Path(field.clone()));
    u64: Count, Some, |field| Some(Value::Count(*field));
    bool: Bool, Some, |field| Some(Value::Bool(*field));
    Vec<String>: List, Some, |field| (!field.is_empty()).then(|| Value::List(field.clone()));
}

/// A value out of a few words.
macro_rules! choices {
    ($($(#[doc = $about:literal])+ $name:ident { $first:ident = $first_word:literal, $($variant:ident = $word:literal),+ })+) => {$(
        $(#[doc = $about])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $first, $($variant),+ }

        impl $name {
            pub const NAMES: &'static [&'static str] = &[$first_word, $($word),+];
            pub fn as_str(self) -> &'static str {
                match self { $name::$first => $first_word, $($name::$variant => $word),+ }
            }
            pub fn parse(text: &str) -> Option<Self> {
                match text { $first_word => Some($name::$first), $($word => Some($name::$variant),)+ _ => None }
            }
        }
        fields! { $name: Text, |text: String| $name::parse(&text), |field| Some(Value::Text(field.as_str().to_owned())); }
    )+};
}

macro_rules! settings {
    ($($(#[doc = $section_about:literal])+ $section:ident: $struct:ident {
        $($(#[doc = $about:literal])+ $key:ident: $type:ty = $default:expr => $kind:expr;)+
    })+) => {
        $($(#[doc = $section_about])+
        #[derive(Debug, Clone, PartialEq)]
        pub struct $struct { $($(#[doc = $about])+ pub $key: $type,)+ }

        impl Default for $struct {
            fn default() -> Self { $struct { $($key: $default,)+ } }
        })+

        /// Every section of `groupshift.toml`, with a value or nothing for each of its keys.
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct Settings { $($(#[doc = $section_about])+ pub $section: $struct,)+ }

        pub static SECTIONS: &[Section] = &[$(Section {
            name: stringify!($section),
            about: concat!($($section_about),+),
        }),+];

        pub static KEYS: &[Key] = &[$($(Key {
            section: stringify!($section),
            name: stringify!($key),
            kind: $kind,
            about: concat!($($about),+),
            put: |settings, value| Field::put(&mut settings.$section.$key, value),
            get: |settings| Field::get(&settings.$section.$key),
        }),+),+];
    };
}

choices! {
    /// How this program proves to Active Directory who it is.
    Bind { Simple = "simple", Gssapi = "gssapi", External = "external" }
    /// How this program proves to Entra who it is.
    Auth { Certificate = "certificate", Secret = "secret", DeviceCode = "device-code", Token = "token" }
    /// Which Microsoft cloud the tenant is in.
    Cloud { Global = "global", Usgov = "usgov", Dod = "dod", China = "china" }
    /// Who runs the steps on the Connect server.
    ConnectMode { Manual = "manual", Local = "local" }
    /// How Cloud Sync's configuration says which groups it provisions.
    Scope { Selected = "selected", Attribute = "attribute" }
}

const AT_LEAST_ONE: Kind = Kind::Count { min: 1, max: u64::MAX };

settings! {
    /// Active Directory: the domain controller, the account, the writeback container.
    ad: Ad {
        /// The domain controller. Plain ldap:// needs starttls = true or bind = "gssapi".
        url: Option<String> = None => Kind::LdapUrl;
        /// The Global Catalog, to search the whole forest for second carriers of an anchor.
        global_catalog_url: Option<String> = None => Kind::LdapUrl;
        /// Turn a plain ldap:// connection into TLS before anything else is sent.
        starttls: bool = false => Kind::Bool;
        /// How to sign in: name and password, Kerberos, or a client certificate.
        bind: Bind = Bind::Simple => Kind::Choice(Bind::NAMES);
        /// The account to sign in with.
        user: Option<String> = None => Kind::Text;
        /// Environment variable that holds the account's password.
        password_env: String = "GROUPSHIFT_AD_PASSWORD".to_owned() => Kind::Variable;
        /// File that holds the account's password and nothing else.
        password_file: Option<PathBuf> = None => Kind::Path;
        /// Certificate authorities to trust for LDAP, PEM.
        ca_file: Option<PathBuf> = None => Kind::Path;
        /// Client certificate for bind = "external", PEM.
        client_certificate_file: Option<PathBuf> = None => Kind::Path;
        /// Private key of the client certificate, PEM.
        client_key_file: Option<PathBuf> = None => Kind::Path;
        /// The container that groups are written back to; where not set, it is discovered.
        writeback_ou: Option<String> = None => Kind::Dn;
        /// Connections to the domain controller at a time; the Global Catalog takes one more.
        connections: u64 = 4 => Kind::Count { min: 1, max: 16 };
        /// The provisioning agent's group managed service account.
        agent_account: Option<String> = None => Kind::Text;
        /// Accounts besides the agent's that may write these groups: SIDs or names.
        approved_writers: Vec<String> = Vec::new() => Kind::List;
        /// Folder of security events exported from the domain controllers, for live audits.
        events: Option<PathBuf> = None => Kind::Path;
        /// Zone of times in CSV exports of events, as +01:00; XML has its own.
        event_zone: Option<String> = None => Kind::Text;
    }
    /// Microsoft Entra ID: the tenant and the application to sign in as.
    entra: Entra {
        /// The tenant: its id, or one of its domains.
        tenant_id: Option<String> = None => Kind::Id;
        /// The application (client) id.
        client_id: Option<String> = None => Kind::Id;
        /// How to sign in.
        auth: Auth = Auth::Certificate => Kind::Choice(Auth::NAMES);
        /// The application's certificate, PEM.
        certificate_file: Option<PathBuf> = None => Kind::Path;
        /// Private key of the application's certificate, PEM.
        private_key_file: Option<PathBuf> = None => Kind::Path;
        /// Environment variable that holds the application's client secret.
        client_secret_env: String = "GROUPSHIFT_CLIENT_SECRET".to_owned() => Kind::Variable;
        /// File that holds the client secret and nothing else.
        client_secret_file: Option<PathBuf> = None => Kind::Path;
        /// Environment variable that holds an access token for Graph.
        token_env: String = "GROUPSHIFT_GRAPH_TOKEN".to_owned() => Kind::Variable;
        /// File that holds an access token and nothing else.
        token_file: Option<PathBuf> = None => Kind::Path;
        /// The Microsoft cloud.
        cloud: Cloud = Cloud::Global => Kind::Choice(Cloud::NAMES);
        /// Sign-in address instead of the cloud's own.
        login_url: Option<String> = None => Kind::HttpUrl;
        /// Graph address instead of the cloud's own; /v1.0 and /beta are appended.
        graph_url: Option<String> = None => Kind::HttpUrl;
        /// Certificate authorities to trust for HTTPS, PEM.
        ca_file: Option<PathBuf> = None => Kind::Path;
    }
    /// The Microsoft Entra Connect server.
    connect: Connect {
        /// manual: the script is printed and its evidence awaited; local: it is run here.
        mode: ConnectMode = ConnectMode::Manual => Kind::Choice(ConnectMode::NAMES);
        /// Folder that Get-ADSyncServerConfiguration wrote.
        export: Option<PathBuf> = None => Kind::Path;
        /// State that the collector script wrote.
        state: Option<PathBuf> = None => Kind::Path;
        /// Pending exports of the AD connector, as csexport wrote them.
        csexport: Option<PathBuf> = None => Kind::Path;
    }
    /// Microsoft Entra Cloud Sync.
    cloud_sync: CloudSync {
        /// The AD domain that groups are provisioned to.
        domain: Option<String> = None => Kind::Domain;
        /// Id of the job's service principal; where not set, it is found by the job's template.
        service_principal: Option<String> = None => Kind::Id;
        /// Groups in scope by app role assignment, or by the WritebackEnabled extension attribute.
        scope: Scope = Scope::Selected => Kind::Choice(Scope::NAMES);
    }
    /// Limits of group provisioning to AD as Microsoft documents them; each can be overridden.
    policy: Policy {
        /// Direct members of one group: above this the group is not supported.
        max_group_members: u64 = 50_000 => AT_LEAST_ONE;
        /// Direct members of one group: from here on the group is warned about; nine tenths of the limit, where not set.
        warn_group_members: u64 = 45_000 => AT_LEAST_ONE;
        /// Groups in scope when groups are selected one by one.
        max_groups_selected: u64 = 10_000 => AT_LEAST_ONE;
        /// Direct memberships in scope when groups are selected one by one.
        max_links_selected: u64 = 250_000 => AT_LEAST_ONE;
        /// Groups in scope when all groups pass an attribute filter.
        max_groups_filtered: u64 = 20_000 => AT_LEAST_ONE;
        /// Direct memberships in scope when all groups pass an attribute filter.
        max_links_filtered: u64 = 500_000 => AT_LEAST_ONE;
        /// Users of the tenant above which groups have to be selected one by one.
        max_tenant_users: u64 = 200_000 => AT_LEAST_ONE;
        /// Groups of the tenant above which groups have to be selected one by one.
        max_tenant_groups: u64 = 40_000 => AT_LEAST_ONE;
        /// Memberships of the tenant above which groups have to be selected one by one.
        max_tenant_memberships: u64 = 1_000_000 => AT_LEAST_ONE;
    }
    /// Where runs, snapshots and the journal are kept.
    store: Store {
        /// The folder; made with access for its owner only.
        dir: PathBuf = PathBuf::from("groupshift-data") => Kind::Path;
    }
}

/// The key of that name.
pub fn find(section: &str, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.section == section && key.name == name)
}

/// The keys of a section.
pub fn of_section(section: &str) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| key.section == section)
}

/// The word of `known` that is most like `word`; `None` only where `known` is empty.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let word = word.to_ascii_lowercase();
    known.into_iter().min_by_key(|candidate| {
        let likeness = strsim::jaro_winkler(&word, &candidate.to_ascii_lowercase());
        (strsim::damerau_levenshtein(&word, &candidate.to_ascii_lowercase()), ((1.0 - likeness) * 1e6) as u64)
    })
}

/// Whether a key of the file looks as if a secret itself stood in it.
pub fn names_a_secret(name: &str) -> bool {
    let bare: String = name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_ascii_lowercase();
    ["password", "passwd", "passphrase", "secret", "token", "privatekey", "clientkey", "apikey", "credential"]
        .iter()
        .any(|word| bare.contains(word))
        || matches!(bare.as_str(), "pwd" | "pass" | "pw" | "key" | "pin")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_takes_a_value_of_its_kind_and_gives_it_back() {
        for key in KEYS {
            let value = match key.kind {
                Kind::Path => Value::Path("some/file".into()),
                Kind::Count { min, .. } => Value::Count(min),
                Kind::Bool => Value::Bool(true),
                Kind::Choice(names) => Value::Text(names[names.len() - 1].to_owned()),
                Kind::List => Value::List(vec!["a".into()]),
                _ => Value::Text("text".to_owned()),
            };
            let mut settings = Settings::default();
            assert_ne!((key.get)(&settings).as_ref(), Some(&value), "{}: the example is the default", key.path());
            assert!((key.put)(&mut settings, value.clone()), "{}", key.path());
            assert_eq!((key.get)(&settings), Some(value), "{}", key.path());
            assert!(!key.about.trim().is_empty() && key.about.ends_with('.'), "{}", key.path());
        }
    }

    #[test]
    fn every_default_passes_its_own_check() {
        let settings = Settings::default();
        for key in KEYS {
            let Some(value) = (key.get)(&settings) else { continue };
            let raw = match value.clone() {
                Value::Text(text) => super::super::kind::Raw::Text(text),
                Value::Path(path) => super::super::kind::Raw::Text(path.to_string_lossy().into_owned()),
                Value::Count(count) => super::super::kind::Raw::Integer(Some(count.into())),
                Value::Bool(flag) => super::super::kind::Raw::Bool(flag),
                Value::List(items) => super::super::kind::Raw::List(items),
            };
            assert_eq!(key.kind.check(raw, std::path::Path::new("")), Ok(value), "{}", key.path());
        }
    }

    #[test]
    fn names() {
        let variables: std::collections::BTreeSet<String> = KEYS.iter().map(Key::variable).collect();
        assert_eq!(variables.len(), KEYS.len(), "two keys share a variable");
        assert!(variables.contains("GROUPSHIFT_CLOUD_SYNC_SERVICE_PRINCIPAL"));
        for key in KEYS.iter().filter(|k| names_a_secret(k.name)) {
            assert!(key.name.ends_with("_env") || key.name.ends_with("_file"), "{} would hold a secret", key.path());
        }
    }

    #[test]
    fn the_nearest_word() {
        let names = || of_section("ad").map(|k| k.name);
        for (word, want) in [
            ("ulr", "url"),
            ("URL", "url"),
            ("conections", "connections"),
            ("writeback_out", "writeback_ou"),
            ("pasword_env", "password_env"),
        ] {
            assert_eq!(nearest(word, names()), Some(want), "{word}");
        }
        assert_eq!(nearest("x", []), None);
    }

    #[test]
    fn secrets_by_name() {
        for (name, secret) in [
            ("password", true),
            ("clientSecret", true),
            ("client-secret", true),
            ("private_key", true),
            ("token", true),
            ("pwd", true),
            ("api_key", true),
            ("url", false),
            ("user", false),
            ("keyboard", false),
        ] {
            assert_eq!(names_a_secret(name), secret, "{name}");
        }
    }
}
