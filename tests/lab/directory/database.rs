//! What a domain takes from the system alone, not over LDAP: done at its database while its server does not run.

use std::path::Path;
use std::process::{Command, Stdio};

/// Lets the forest say that its Recycle Bin is on, as a cutover wants it. Samba goes by another object and behaves as without
/// one: with the Recycle Bin really on, Samba 4.22 brings nothing back from deletion (it wants to take an `isRecycled` away
/// that only a recycled object has).
pub fn say_recycle_bin(dc: &Path) {
    on_the_database(
        dc,
        "
base = str(sam.get_config_basedn())
feature = 'CN=Recycle Bin Feature,CN=Optional Features,CN=Directory Service,CN=Windows NT,CN=Services,' + base
message = ldb.Message(); message.dn = ldb.Dn(sam, 'CN=Partitions,' + base)
message['f'] = ldb.MessageElement(feature, ldb.FLAG_MOD_ADD, 'msDS-EnabledFeature')
sam.modify(message)
",
    );
}

/// It says so no longer, and tombstones are taken for what they are here.
pub fn say_no_recycle_bin(dc: &Path) {
    on_the_database(
        dc,
        "
base = str(sam.get_config_basedn())
message = ldb.Message(); message.dn = ldb.Dn(sam, 'CN=Partitions,' + base)
message['f'] = ldb.MessageElement([], ldb.FLAG_MOD_DELETE, 'msDS-EnabledFeature')
sam.modify(message)
",
    );
}

/// Python at the database of a domain whose server does not run, as the system.
fn on_the_database(dc: &Path, script: &str) {
    let script = format!(
        "
import sys, ldb
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB
lp = LoadParm(); lp.load(sys.argv[1] + '/etc/smb.conf')
sam = SamDB(url=sys.argv[1] + '/private/sam.ldb', session_info=system_session(lp), lp=lp)
{script}"
    );
    let output = Command::new("/usr/bin/python3").args(["-c", &script]).arg(dc).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
