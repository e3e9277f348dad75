//! groupshift.toml and the environment as a user meets them: what is read, what goes over what, and what each mistake
//! is told. Every test brings its own folder and its own variables.

// Helpers outside of #[test] functions unwrap too: a test may fail that way.
#![allow(clippy::unwrap_used)]

use groupshift::config::{
    Around, Bind, Cloud, Config, KEYS, Kind, Origin, Secret, SecretSource, Value, load, missing, show,
};
use groupshift::error::{Error, exit};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder and variables to load a configuration in.
struct Place {
    dir: TempDir,
    variables: BTreeMap<String, String>,
    windows: bool,
}

impl Place {
    fn new() -> Self {
        Place { dir: TempDir::new().unwrap(), variables: BTreeMap::new(), windows: false }
    }
    fn with_file(text: impl AsRef<[u8]>) -> Self {
        Place::new().file("groupshift.toml", text)
    }
    fn file(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }
    fn var(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }
    /// A variable that names a folder of this place.
    fn var_folder(self, name: &str, folder: &str) -> Self {
        let path = self.dir.path().join(folder);
        self.var(name, path.to_str().unwrap())
    }
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
    fn load_explicit(&self, explicit: Option<&Path>) -> Result<Config, Error> {
        let names: Vec<String> = self.variables.keys().cloned().collect();
        let env = |name: &str| self.variables.get(name).cloned();
        load(explicit, &Around { folder: self.dir.path(), windows: self.windows, env: &env, env_names: &names })
    }
    fn load(&self) -> Result<Config, Error> {
        self.load_explicit(None)
    }
    /// The error as a user reads it, with the folder's own name taken out.
    fn error(&self) -> String {
        told(&self.load().expect_err("loads although it should not")).replace(&*self.path("").to_string_lossy(), "")
    }
}

/// All that an error says.
fn told(error: &Error) -> String {
    assert_eq!(error.exit_code(), exit::USAGE);
    std::iter::once(error.to_string()).chain(error.hints.iter().cloned()).collect::<Vec<_>>().join(" | ")
}

const SAMPLE: &str = r#"# everything there is
[ad]
url = "ldaps://dc1.contoso.com"
global_catalog_url = "ldaps://dc1.contoso.com:3269"
bind = "simple"
user = "svc-groupshift@contoso.com"
password_env = "GROUPSHIFT_AD_PASSWORD"
ca_file = "contoso-ca.pem"
writeback_ou = "OU=GroupWriteback,DC=contoso,DC=com"
connections = 8
agent_account = 'CONTOSO\provAgentgMSA$'
approved_writers = ["S-1-5-21-1-2-3-512", 'CONTOSO\ops']
[entra]
tenant_id = "contoso.onmicrosoft.com"
client_id = "6b29fc40-ca47-1067-b31d-00dd010662da"
auth = "certificate"
certificate_file = "app.pem"
private_key_file = "app.key"
client_secret_env = "GROUPSHIFT_CLIENT_SECRET"
token_env = "GROUPSHIFT_GRAPH_TOKEN"
cloud = "usgov"
login_url = "https://login.example"
graph_url = "http://127.0.0.1:8080/graph"
ca_file = "ca.pem"
[connect]
mode = "manual"
export = "connect-export/"
state = "connect-state.json"
csexport = "ad-pending.xml"
[cloud_sync]
domain = "contoso.com"
service_principal = "6b29fc40-ca47-1067-b31d-00dd010662db"
scope = "attribute"
[policy]
max_group_members = 60000
warn_group_members = 50_000
max_tenant_users = 0x30d40
[store]
dir = "data"
"#;

#[test]
fn the_defaults() {
    let place = Place::new();
    let config = place.load().unwrap();
    assert_eq!(config, Config::default());
    let settings = &config.settings;
    assert_eq!((settings.policy.max_group_members, settings.policy.warn_group_members), (50_000, 45_000));
    assert_eq!((settings.policy.max_groups_selected, settings.policy.max_links_selected), (10_000, 250_000));
    assert_eq!((settings.policy.max_groups_filtered, settings.policy.max_links_filtered), (20_000, 500_000));
    assert_eq!((settings.policy.max_tenant_users, settings.policy.max_tenant_groups), (200_000, 40_000));
    assert_eq!((settings.policy.max_tenant_memberships, settings.ad.connections), (1_000_000, 4));
    assert_eq!(settings.store.dir, Path::new("groupshift-data"));
    assert_eq!(config.origin("ad", "connections"), Some(&Origin::Default));
    assert_eq!(config.origin("ad", "conections"), None);
}

/// Each limit can be overridden alone.
#[test]
fn the_warning_keeps_its_share_of_the_limit() {
    for (text, limit, warning) in [
        ("max_group_members = 50", 50, 45),
        ("max_group_members = 1", 1, 1),
        ("max_group_members = 250_000", 250_000, 225_000),
        ("max_group_members = 50\nwarn_group_members = 7", 50, 7),
        ("warn_group_members = 7", 50_000, 7),
    ] {
        let policy = Place::with_file(format!("[policy]\n{text}")).load().unwrap().settings.policy;
        assert_eq!((policy.max_group_members, policy.warn_group_members), (limit, warning), "{text}");
    }
    let place = Place::new().var("GROUPSHIFT_POLICY_MAX_GROUP_MEMBERS", "7");
    assert_eq!(place.load().unwrap().settings.policy.warn_group_members, 6);
}

#[test]
fn a_whole_file() {
    let place = Place::with_file(SAMPLE);
    let config = place.load().unwrap();
    let path = place.path("groupshift.toml");
    assert_eq!((config.file.as_ref(), &config.warnings[..]), (Some(&path), &[][..]));
    let settings = &config.settings;
    assert_eq!(settings.ad.url.as_deref(), Some("ldaps://dc1.contoso.com"));
    assert_eq!((settings.ad.connections, settings.ad.bind, settings.entra.cloud), (8, Bind::Simple, Cloud::Usgov));
    assert_eq!(settings.ad.agent_account.as_deref(), Some("CONTOSO\\provAgentgMSA$"));
    assert_eq!(settings.ad.approved_writers, ["S-1-5-21-1-2-3-512", "CONTOSO\\ops"]);
    assert_eq!((settings.policy.max_group_members, settings.policy.max_tenant_users), (60_000, 200_000));
    // Paths start at the file's folder.
    assert_eq!(settings.ad.ca_file, Some(place.path("contoso-ca.pem")));
    assert_eq!(settings.store.dir, place.path("data"));
    assert_eq!(config.origin("ad", "connections"), Some(&Origin::File { path, line: 10 }));
    assert_eq!(config.origin("ad", "starttls"), Some(&Origin::Default));
}

#[test]
fn byte_order_mark_and_line_ends_change_nothing() {
    let windows = format!("\u{feff}{}", SAMPLE.replace('\n', "\r\n"));
    let (one, other) = (Place::with_file(SAMPLE), Place::with_file(windows));
    let line = |place: &Place| match place.load().unwrap().origin("store", "dir") {
        Some(Origin::File { line, .. }) => *line,
        origin => panic!("{origin:?}"),
    };
    assert_eq!(line(&one), line(&other));
    assert_eq!(one.load().unwrap().settings.ad.url, other.load().unwrap().settings.ad.url);
    for empty in ["", "\u{feff}", "\r\n", "# nothing\n", "[ad]\n"] {
        assert_eq!(Place::with_file(empty).load().unwrap().settings.ad, Config::default().settings.ad, "{empty:?}");
    }
}

#[test]
fn which_file_is_read() {
    let xdg = |place: Place| place.file("xdg/groupshift/groupshift.toml", "[ad]\nconnections = 2");
    let home = |place: Place| place.file("home/.config/groupshift/groupshift.toml", "[ad]\nconnections = 3");
    let variables = |place: Place| place.var_folder("XDG_CONFIG_HOME", "xdg").var_folder("HOME", "home");
    let connections = |place: &Place| place.load().unwrap().settings.ad.connections;
    assert_eq!(connections(&variables(home(xdg(Place::new())))), 2);
    assert_eq!(connections(&variables(home(xdg(Place::with_file("[ad]\nconnections = 1"))))), 1);
    assert_eq!(connections(&home(Place::new()).var_folder("HOME", "home")), 3);
    assert_eq!(connections(&home(Place::new()).var_folder("HOME", "home").var("XDG_CONFIG_HOME", "")), 3);
    // A relative folder depends on where the command is started: not followed.
    assert_eq!(connections(&xdg(Place::new()).var("XDG_CONFIG_HOME", "xdg")), 4);
    let mut windows = xdg(Place::new()).var_folder("APPDATA", "xdg");
    assert_eq!(connections(&windows), 4);
    windows.windows = true;
    assert_eq!(connections(&windows), 2);
    // The named file goes before all of them, and has to exist.
    let named =
        Place::with_file("[ad]\nconnections = 1").file("conf/other.toml", "[ad]\nconnections = 5\nca_file = 'a.pem'");
    let config = named.load_explicit(Some(Path::new("conf/other.toml"))).unwrap();
    assert_eq!((config.settings.ad.connections, config.settings.ad.ca_file), (5, Some(named.path("conf/a.pem"))));
    assert_eq!(config.settings.store.dir, named.path("conf/groupshift-data"));
    let error = told(&named.load_explicit(Some(Path::new("no.toml"))).unwrap_err());
    assert!(error.contains("no.toml: this configuration file does not exist | Give --config"), "{error}");
}

#[test]
fn a_file_that_cannot_be_read_is_an_error() {
    let utf16: Vec<u8> = "\u{feff}[ad]".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, want) in [
        (utf16, "groupshift.toml:1: this configuration file is UTF-16 | Save it as UTF-8"),
        (b"[ad]\n# \xe9\n".to_vec(), "groupshift.toml:2: a character that is not UTF-8 | Save the file as UTF-8."),
        (vec![b'#'; 1 << 21], "groupshift.toml: a configuration file of more than 1 MiB: this is something else"),
    ] {
        let error = Place::with_file(bytes).error();
        assert!(error.starts_with(want), "{error}");
    }
    let place = Place::new();
    std::fs::create_dir(place.path("groupshift.toml")).unwrap();
    let error = place.error();
    assert!(error.starts_with("groupshift.toml: cannot read the configuration file"), "{error}");
}

#[test]
fn mistakes_in_the_file() {
    for (text, want) in [
        // The key or the section is not known.
        ("[ad]\n\nulr = 'x'\n", "groupshift.toml:3: unknown key \"ulr\" in [ad] | The nearest key is \"url\"."),
        (
            "[entra]\ndomain = 'x'",
            "groupshift.toml:2: unknown key \"domain\" in [entra] | \"domain\" is a key of [cloud_sync].",
        ),
        (
            "\n[cloudsync]\n",
            "groupshift.toml:2: unknown section [cloudsync] | The nearest section is [cloud_sync]; there are \"ad\", \"entra\",",
        ),
        ("[AD]\n", "groupshift.toml:1: unknown section [AD] | The nearest section is [ad]"),
        (
            "tenant = 'x'",
            "groupshift.toml:1: the key \"tenant\" stands outside of any section | The nearest key is \"tenant_id\" of section [entra].",
        ),
        ("ad = 5", "groupshift.toml:1: \"ad\" is a section | Write [ad] on a line of its own"),
        ("[[ad]]\nurl = 'x'", "groupshift.toml:1: \"ad\" is a section"),
        ("ad.ulr = 'x'", "groupshift.toml:1: unknown key \"ulr\" in [ad]"),
        ("[ad]\n\"ur\\u001bl\" = 1", "groupshift.toml:2: unknown key \"ur\\u{1b}l\" in [ad]"),
        // The value is of the wrong type.
        (
            "[ad]\nconnections = '4'",
            "groupshift.toml:2: ad.connections: expected a whole number from 1 to 16, found a text | ad.connections: Connections to",
        ),
        (
            "[ad]\nconnections = 4.0",
            "groupshift.toml:2: ad.connections: expected a whole number from 1 to 16, found a decimal number",
        ),
        ("[ad]\nconnections = 99", "groupshift.toml:2: ad.connections: expected a whole number from 1 to 16, found 99"),
        (
            "[ad]\nurl = 5",
            "groupshift.toml:2: ad.url: expected a URL of the form ldaps://host[:port] or ldap://host[:port], found 5",
        ),
        (
            "[ad.url]\nx = 5",
            "groupshift.toml:1: ad.url: expected a URL of the form ldaps://host[:port] or ldap://host[:port], found a table",
        ),
        (
            "[ad]\nurl = 1979-05-27",
            "groupshift.toml:2: ad.url: expected a URL of the form ldaps://host[:port] or ldap://host[:port], found a date or time",
        ),
        ("[ad]\nstarttls = 'yes'", "groupshift.toml:2: ad.starttls: expected true or false, found a text"),
        ("[ad]\napproved_writers = 'S-1-5-18'", "groupshift.toml:2: ad.approved_writers: expected a list of texts"),
        ("[ad]\napproved_writers = ['a', 5]", "groupshift.toml:2: ad.approved_writers: expected a list of texts"),
        (
            "[policy]\nmax_group_members = -1",
            "groupshift.toml:2: policy.max_group_members: expected a whole number of at least 1, found -1",
        ),
        (
            "[policy]\nmax_group_members = 0",
            "groupshift.toml:2: policy.max_group_members: expected a whole number of at least 1, found 0",
        ),
        // The value is no good.
        (
            "[ad]\nbind = 'ntlm'",
            "groupshift.toml:2: ad.bind: expected one of \"simple\", \"gssapi\", \"external\", found \"ntlm\"",
        ),
        (
            "[ad]\nurl = 'https://dc1'",
            "groupshift.toml:2: ad.url: expected a URL of the form ldaps://host[:port] or ldap://host[:port], found a URL of another scheme",
        ),
        (
            "[entra]\ngraph_url = 'http://graph.example'",
            "groupshift.toml:2: entra.graph_url: expected a URL of the form https://",
        ),
        ("[ad]\nwriteback_ou = 'contoso.com'", "groupshift.toml:2: ad.writeback_ou: expected a distinguished name"),
        // It is no TOML.
        ("[ad]\nurl = \n", "groupshift.toml:2: not valid TOML: "),
        ("[ad]\nurl = 'a'\nurl = 'b'", "groupshift.toml:3: not valid TOML: duplicate key"),
        ("[ad]\nuser = \"CONTOSO\\svc\"", "groupshift.toml:2: not valid TOML: "),
        // Rules between keys.
        (
            "[ad]\nurl = 'ldap://dc1'",
            "groupshift.toml:2: ad.url: plain ldap:// with bind = \"simple\" would send the password unprotected | Use ldaps://",
        ),
        (
            "[ad]\nurl = 'ldaps://dc1'\nglobal_catalog_url = 'LDAP://dc1:3268'",
            "groupshift.toml:3: ad.global_catalog_url: plain ldap://",
        ),
        (
            "[ad]\nurl = 'ldap://dc1'\nbind = 'external'\nclient_certificate_file = 'c'\nclient_key_file = 'k'",
            "groupshift.toml:2: ad.url: plain ldap:// has no TLS",
        ),
        (
            "[ad]\nbind = 'external'\nclient_key_file = 'k'",
            "groupshift.toml:2: ad.bind: bind = \"external\" needs ad.client_certificate_file",
        ),
        (
            "[ad]\npassword_env = 'A'\npassword_file = 'b'",
            "groupshift.toml:3: ad.password_file: password_env and password_file both say where the secret is",
        ),
        (
            "[policy]\nwarn_group_members = 50001",
            "groupshift.toml:2: policy.warn_group_members: the warning begins at 50001 members, above the limit of 50000",
        ),
    ] {
        let error = Place::with_file(text).error();
        assert!(error.starts_with(want), "{text}\n gave {error}\n not {want}");
    }
    let error = Place::with_file("[ad]\nuser = \"CONTOSO\\svc\"").error();
    assert!(error.contains("single quotes"), "{error}");
}

#[test]
fn all_mistakes_are_told_at_once() {
    let error = Place::with_file("[store]\ndirr = 'x'\n[ad]\nbind = 'x'\n[what]\n")
        .var("GROUPSHIFT_AD_CONNECTIONS", "many")
        .error();
    for want in [
        "groupshift.toml:2: unknown key \"dirr\"",
        "Also wrong: groupshift.toml:4: ad.bind",
        "Also wrong: groupshift.toml:5: unknown section [what]",
        "Also wrong: GROUPSHIFT_AD_CONNECTIONS: expected a whole number from 1 to 16, found a text",
    ] {
        assert!(error.contains(want), "{error}\n lacks {want}");
    }
    assert!(error.starts_with("groupshift.toml:2"), "{error}");
}

#[test]
fn plain_ldap_where_nothing_is_sent_unprotected() {
    for text in
        ["url = 'ldap://dc1'\nstarttls = true", "url = 'ldap://dc1'\nbind = 'gssapi'", "url = 'LDAPS://dc1:636'"]
    {
        let config = Place::with_file(format!("[ad]\n{text}")).load().unwrap();
        assert_eq!(config.warnings, [""; 0], "{text}");
    }
    // Each layer counts: the environment can neither smuggle a plain URL in nor take the protection away.
    for (name, value) in [("GROUPSHIFT_AD_URL", "ldap://dc1"), ("GROUPSHIFT_AD_GLOBAL_CATALOG_URL", "ldap://dc1:3268")]
    {
        let error = Place::with_file("[ad]\nurl = 'ldaps://dc1'").var(name, value).error();
        assert!(error.starts_with(&format!("{name}: plain ldap://")), "{error}");
    }
    let starttls = Place::with_file("[ad]\nurl = 'ldap://dc1'\nstarttls = true").var("GROUPSHIFT_AD_STARTTLS", "false");
    assert!(starttls.error().starts_with("groupshift.toml:2: ad.url: plain ldap://"));
}

#[test]
fn oddities_are_warnings() {
    for (text, want) in [
        ("url = 'ldaps://dc1:3269'", "ad.url names a port of the Global Catalog"),
        ("global_catalog_url = 'ldaps://dc1'", "ad.global_catalog_url names no port"),
        ("url = 'ldaps://dc1'\nstarttls = true", "ad.starttls has no effect"),
    ] {
        let warnings = Place::with_file(format!("[ad]\n{text}")).load().unwrap().warnings;
        assert!(warnings.len() == 1 && warnings[0].starts_with(want), "{warnings:?}");
    }
}

#[test]
fn a_secret_in_the_file_is_refused_and_never_shown() {
    for (text, line, hint) in [
        ("[ad]\npassword = 'hunter2'", 2, "\"password_env\", \"password_file\""),
        ("[entra]\nclient_secret = 'hunter2'", 2, "\"client_secret_env\", \"client_secret_file\""),
        ("[entra]\nclientSecret = \"\"\"\nhunter2\"\"\"", 2, "\"client_secret_env\""),
        ("[entra]\ntoken = { value = 'hunter2' }", 2, "\"token_env\""),
        ("[entra]\nprivate_key = '''-----BEGIN PRIVATE KEY-----\nhunter2'''", 2, "\"private_key_file\""),
        ("# a\npassword = 'hunter2'\n", 2, "\"ad.password_env\""),
        ("[store]\npassphrase = 'hunter2'", 2, "no use for a secret"),
        // Where it is not recognised as one, it is not shown either.
        ("[ad]\npassword = 'hunter2", 2, ""),
        ("[ad]\nuser = 'a'\nhunter2x = \"\n", 3, ""),
        ("[secrets]\nx = 'hunter2'", 1, ""),
        ("[ad]\nurl = 'ldaps://svc:hunter2@dc1'", 2, ""),
        ("[ad]\npassword_env = 'hunter2!'", 2, "the name of an environment variable"),
        ("[entra]\nprivate_key_file = '''-----BEGIN\nhunter2'''", 2, "the content of a file"),
    ] {
        let error = Place::with_file(text).error();
        let prefix = format!("groupshift.toml:{line}: ");
        assert!(error.starts_with(&prefix) && error.contains(hint), "{text}: {error}");
        assert!(!error.replace("hunter2x", "").contains("hunter2"), "{text}: {error}");
    }
}

#[test]
fn the_environment_goes_over_the_file() {
    let place = Place::with_file(SAMPLE)
        .var("GROUPSHIFT_AD_CONNECTIONS", "2")
        .var("GROUPSHIFT_AD_STARTTLS", "false")
        .var("GROUPSHIFT_AD_APPROVED_WRITERS", "S-1-5-18, CONTOSO\\a")
        .var("GROUPSHIFT_CLOUD_SYNC_DOMAIN", "fabrikam.com")
        .var("GROUPSHIFT_STORE_DIR", "elsewhere")
        .var("GROUPSHIFT_ENTRA_AUTH", "device-code")
        .var("GROUPSHIFT_POLICY_MAX_GROUP_MEMBERS", "");
    let config = place.load().unwrap();
    let settings = &config.settings;
    assert_eq!((settings.ad.connections, settings.cloud_sync.domain.as_deref()), (2, Some("fabrikam.com")));
    assert_eq!(settings.ad.approved_writers, ["S-1-5-18", "CONTOSO\\a"]);
    assert_eq!(settings.store.dir, Path::new("elsewhere"));
    assert_eq!(settings.entra.auth.as_str(), "device-code");
    assert_eq!(config.origin("ad", "connections"), Some(&Origin::Env("GROUPSHIFT_AD_CONNECTIONS".into())));
    // An empty variable counts as not set, and that is said.
    assert_eq!(settings.policy.max_group_members, 60_000);
    assert_eq!(
        config.warnings,
        ["The environment variable GROUPSHIFT_POLICY_MAX_GROUP_MEMBERS is empty and counts as not set."]
    );
    let error = Place::new().var("GROUPSHIFT_AD_BIND", "ntlm").error();
    assert!(error.starts_with("GROUPSHIFT_AD_BIND: expected one of \"simple\""), "{error}");
}

#[test]
fn every_key_has_its_variable() {
    for key in KEYS {
        let text = match key.kind {
            Kind::LdapUrl if key.name == "url" => "ldaps://dc9",
            Kind::LdapUrl => "ldaps://dc9:3269",
            Kind::HttpUrl => "https://h9",
            Kind::Dn => "OU=Nine,DC=x",
            Kind::Count { .. } => "9",
            Kind::Bool => "true",
            Kind::Choice(names) => names[names.len() - 1],
            _ => "nine",
        };
        let mut place = Place::new().var(&key.variable(), text);
        if key.name == "max_group_members" {
            place = place.var("GROUPSHIFT_POLICY_WARN_GROUP_MEMBERS", "9");
        }
        if key.name == "bind" {
            place = place.var("GROUPSHIFT_AD_CLIENT_KEY_FILE", "k").var("GROUPSHIFT_AD_CLIENT_CERTIFICATE_FILE", "c");
        }
        let config = place.load().unwrap_or_else(|e| panic!("{}: {e}", key.path()));
        assert_eq!(config.origin(key.section, key.name), Some(&Origin::Env(key.variable())), "{}", key.path());
        let shown = (key.get)(&config.settings).map(|v: Value| v.to_string());
        assert_eq!(shown.as_deref(), Some(text), "{}", key.path());
        assert_eq!(config.warnings, [""; 0], "{}", key.path());
    }
}

#[test]
fn variables_of_secrets_override_nothing() {
    // A variable that a *_env key names is the secret itself, even where its name is a key's.
    let place = Place::with_file(
        "[ad]\npassword_env = 'GROUPSHIFT_AD_USER'\n[entra]\ntoken_env = 'GROUPSHIFT_AD_PASSWORD_ENV'",
    )
    .var("GROUPSHIFT_AD_USER", "hunter2")
    .var("GROUPSHIFT_AD_PASSWORD_ENV", "hunter3");
    let config = place.load().unwrap();
    assert_eq!(
        (config.settings.ad.user.as_deref(), config.settings.ad.password_env.as_str()),
        (None, "GROUPSHIFT_AD_USER")
    );
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    let everything = format!("{config:?} {:?}", show(&config));
    assert!(!everything.contains("hunter"), "{everything}");
    // Where the environment itself names the variable, too.
    let place = Place::new().var("GROUPSHIFT_AD_PASSWORD_ENV", "GROUPSHIFT_AD_URL").var("GROUPSHIFT_AD_URL", "hunter2");
    assert_eq!(place.load().unwrap().settings.ad.url, None);
}

#[test]
fn a_variable_that_is_no_setting() {
    for (name, want) in [
        ("GROUPSHIFT_AD_CONECTIONS", Some("GROUPSHIFT_AD_CONNECTIONS")),
        ("GROUPSHIFT_CLOUD_SYNC_DOMAINS", Some("GROUPSHIFT_CLOUD_SYNC_DOMAIN")),
        ("GROUPSHIFT_ENTRA_XYZ_XYZ_XYZ_XYZ", Some("GROUPSHIFT_ENTRA_")),
        ("GROUPSHIFT_ETNRA_CLOUD", Some("GROUPSHIFT_ENTRA_CLOUD")),
        ("GROUPSHIFT_AD_PASSWORD", None),
        ("GROUPSHIFT_CLIENT_SECRET", None),
        ("GROUPSHIFT_LOG", None),
        ("GROUPSHIFT_", None),
        ("PATH", None),
    ] {
        let warnings = Place::new().var(name, "hunter2").load().unwrap().warnings.join(" ");
        match want {
            None => assert_eq!(warnings, "", "{name}"),
            Some(nearest) => {
                let start =
                    format!("The environment variable {name} is no setting and is ignored; the nearest is {nearest}");
                assert!(warnings.starts_with(&start), "{warnings}");
            }
        }
        assert!(!warnings.contains("hunter2"));
    }
}

#[test]
fn windows_takes_variable_names_in_any_letter_case() {
    let mut place = Place::new().var("Groupshift_Ad_Connections", "3");
    assert_eq!(place.load().unwrap().settings.ad.connections, 4);
    place.windows = true;
    let names = vec!["Groupshift_Ad_Connections".to_owned()];
    let env = |name: &str| name.eq_ignore_ascii_case(&names[0]).then(|| "3".to_owned());
    let config = load(None, &Around { folder: place.dir.path(), windows: true, env: &env, env_names: &names }).unwrap();
    assert_eq!(config.settings.ad.connections, 3);
}

#[test]
fn where_a_secret_is() {
    for (text, variable, want) in [
        ("", None, SecretSource::Variable("GROUPSHIFT_AD_PASSWORD")),
        ("password_env = 'A'", None, SecretSource::Variable("A")),
        ("password_file = 'f'", None, SecretSource::File(Path::new("f"))),
        ("password_file = 'f'", Some(("GROUPSHIFT_AD_PASSWORD_ENV", "B")), SecretSource::Variable("B")),
        ("password_env = 'A'", Some(("GROUPSHIFT_AD_PASSWORD_FILE", "g")), SecretSource::File(Path::new("g"))),
    ] {
        let mut place = Place::with_file(format!("[ad]\n{text}"));
        if let Some((name, value)) = variable {
            place = place.var(name, value);
        }
        let config = place.load().unwrap();
        let got = match config.secret(Secret::AdPassword) {
            SecretSource::File(path) => SecretSource::File(path.strip_prefix(place.dir.path()).unwrap_or(path)),
            other => other,
        };
        assert_eq!(got, want, "{text}");
    }
}

#[test]
fn what_show_tells() {
    let place = Place::with_file("[ad]\nurl = 'ldaps://dc1'\n[entra]\ntoken_env = 'hunter2'")
        .var("GROUPSHIFT_AD_PASSWORD", "hunter3")
        .var("GROUPSHIFT_STORE_DIR", "d");
    let shown = show(&place.load().unwrap());
    let row = |key: &str| shown.settings.iter().find(|r| r.key == key).unwrap();
    assert_eq!(shown.settings.len(), KEYS.len());
    for (key, value, text, origin, set) in [
        ("ad.url", serde_json::json!("ldaps://dc1"), "ldaps://dc1", "file", None),
        ("ad.user", serde_json::Value::Null, "(not set)", "default", None),
        ("ad.connections", serde_json::json!(4), "4", "default", None),
        (
            "ad.password_env",
            serde_json::json!("GROUPSHIFT_AD_PASSWORD"),
            "GROUPSHIFT_AD_PASSWORD (set)",
            "default",
            Some(true),
        ),
        (
            "entra.client_secret_env",
            serde_json::json!("GROUPSHIFT_CLIENT_SECRET"),
            "GROUPSHIFT_CLIENT_SECRET (not set)",
            "default",
            Some(false),
        ),
        ("entra.token_env", serde_json::Value::Null, "(hidden: no variable of that name is set)", "file", Some(false)),
        ("store.dir", serde_json::json!("d"), "d", "environment", None),
    ] {
        let row = row(key);
        assert_eq!(
            (&row.value, row.text.as_str(), row.origin.as_str(), row.secret_is_set),
            (&value, text, origin, set),
            "{key}"
        );
    }
    assert!(row("ad.url").from.as_deref().unwrap().ends_with("groupshift.toml:2"));
    assert_eq!(row("store.dir").from.as_deref(), Some("GROUPSHIFT_STORE_DIR"));
    let all = format!("{}{}", shown.table(), serde_json::to_string(&shown).unwrap());
    assert!(!all.contains("hunter"), "{all}");
    assert_eq!(shown.table().lines().count(), KEYS.len());
}

#[test]
fn the_schema_takes_what_the_program_takes() {
    let schema = serde_json::to_value(schemars::schema_for!(Config)).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let instance = |text: &str| serde_json::to_value(text.parse::<toml::Table>().unwrap()).unwrap();
    for text in [SAMPLE, "", "[ad]\nbind = 'gssapi'"] {
        assert!(validator.is_valid(&instance(text)), "{text}");
    }
    for text in ["[what]", "[ad]\nulr = 'x'", "[ad]\nbind = 'x'", "[ad]\nconnections = 0", "[ad]\npassword = 'x'"] {
        assert!(!validator.is_valid(&instance(text)), "{text}");
        assert!(Place::with_file(text).load().is_err(), "{text}");
    }
    assert_eq!(schema["title"], "groupshift/config/v1");
    assert_eq!(schema["properties"]["policy"]["properties"]["max_group_members"]["default"], 50_000);
}

#[test]
fn what_a_command_says_when_a_setting_is_missing() {
    let error = told(&missing("ad", "url"));
    assert!(error.starts_with("ad.url is not set | ") && error.ends_with("GROUPSHIFT_AD_URL."), "{error}");
}

/// Every key that the published contract lists is a key of the program.
#[test]
fn the_contract_lists_no_other_keys() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/contract.md");
    let Ok(contract) = std::fs::read_to_string(&path) else {
        println!("skipped: {} is not there", path.display());
        return;
    };
    let block = contract.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let text = block.replace("\"…\"", "\"x\"").replace("graph_url = \"x\"", "").replace("login_url = \"x\"", "");
    let config = Place::with_file(&text).load().unwrap();
    let from_file =
        KEYS.iter().filter(|k| matches!(config.origin(k.section, k.name), Some(Origin::File { .. }))).count();
    assert!(from_file >= 28, "{from_file}");
}

proptest! {
    #[test]
    fn any_text_loads_or_is_told(text in "\\PC{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = Place::with_file(text).load();
        let _ = Place::with_file(bytes).load();
    }

    /// Pieces of real files in any order, cut anywhere: no panic, and the secret in them never comes out.
    #[test]
    fn mangled_files_never_panic_and_never_tell(
        lines in proptest::collection::vec(prop_oneof![
            proptest::sample::select(SAMPLE.lines().map(str::to_owned).collect::<Vec<_>>()),
            proptest::sample::select(vec![
                "password = 'hunter2'", "[ad", "token = \"hunter2", "url = \"ldaps://a:hunter2@b\"", "x = [1, 'hunter2'",
                "private_key = '''hunter2", "[entra.token]\nx = 'hunter2'", "ad.secret = 'hunter2'", "bind = {a = 'hunter2'}",
                "password_env = 'hunter2 '", "\"\" = 'hunter2'", "connections = 1e999", "max_group_members = 99999999999999999999999999999999999999999",
            ]).prop_map(str::to_owned),
        ], 0..12),
        cut in any::<proptest::sample::Index>(),
    ) {
        let text = lines.join("\n");
        let end = text.char_indices().map(|(i, _)| i).nth(cut.index(text.chars().count() + 1)).unwrap_or(text.len());
        let place = Place::with_file(&text[..end]);
        match place.load() {
            Err(error) => prop_assert!(!format!("{error:?}{}", told(&error)).contains("hunter2"), "{}", told(&error)),
            Ok(config) => prop_assert!(!show(&config).table().contains("hunter2")),
        }
    }

    #[test]
    fn any_variable_loads_or_is_told(key in 0..KEYS.len(), text in ".{0,40}") {
        let _ = Place::new().var(&KEYS[key].variable(), &text).load();
    }
}
