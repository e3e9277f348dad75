//! Words that belong to the products and not to an organisation: they stay, since verdicts and readers need them.
//! Everything that is not here is replaced. All in lower case.

fn has(list: &str, word: &str) -> bool {
    let lower = word.to_lowercase();
    list.split_whitespace().any(|w| w == lower)
}

/// Ends of domain names that say nothing.
pub fn is_kept_word(word: &str) -> bool {
    has("com net org local onmicrosoft", word)
}

/// Names that every domain has, as whole relative names.
pub fn is_kept_value(value: &str) -> bool {
    const NAMES: [&str; 34] = [
        "users",
        "builtin",
        "computers",
        "system",
        "configuration",
        "schema",
        "services",
        "sites",
        "partitions",
        "keys",
        "domain controllers",
        "managed service accounts",
        "foreignsecurityprincipals",
        "program data",
        "microsoft",
        "soa-policies",
        "cloud",
        "cloudsyncsoapolicy",
        "deleted objects",
        "lostandfound",
        "lostandfoundconfig",
        "ntds quotas",
        "ntds settings",
        "infrastructure",
        "tpm devices",
        "windows nt",
        "directory service",
        "optional features",
        "recycle bin feature",
        "servers",
        "subnets",
        "wellknown security principals",
        "groups",
        "ms-ds-external-directory-object-id",
    ];
    let lower = value.to_lowercase();
    NAMES.contains(&lower.as_str())
}

/// Attributes and object classes of Active Directory, of Graph and of the metaverse.
pub fn is_attribute(name: &str) -> bool {
    has(
        "admincount admindescription admindisplayname alias accountenabled accountname accountexpires allowedattributeseffective \
         assignedlicenses blockonpremisessync canonicalname c cn cloudanchor cloudmastered cloudnoflow cloudfiltered cloudsoaanchor \
         cloudlegacyexchangedn cloudmsexchrecipientdisplaytype cloudsourceanchor co comment company contact computer container country \
         createddatetime deleteddatetime department description device directoryobject dirsyncenabled displayname displaynameprintable \
         distinguishedname dn dnshostname division domainfqdn domaindns domainnetbios employeeid employeetype enabled \
         extensionattribute1 extensionattribute2 extensionattribute3 extensionattribute4 extensionattribute5 extensionattribute6 \
         extensionattribute7 extensionattribute8 extensionattribute9 extensionattribute10 extensionattribute11 extensionattribute12 \
         extensionattribute13 extensionattribute14 extensionattribute15 foreignsecurityprincipal forestfqdn forestnetbios givenname \
         group grouptype grouptypes hidefromaddresslists homephone id inetorgperson info initials isassignabletorole iscloudmanaged \
         iscriticalsystemobject ismanagementrestricted ismastersystem issecuritygroup issoftdeleted iswritebackenabled l \
         lastknownparent legacyexchangedn mail mailenabled mailnickname managedby manager member memberof members membershiprule \
         membershipruleprocessingstate metaversesourceentry mobile ms-ds-consistencyguid msds-allowedtoactonbehalfofotheridentity \
         msds-consistencyguid msds-enabledfeature msds-enabledfeaturebl msds-externaldirectoryobjectid msds-groupmanagedserviceaccount \
         msds-managedserviceaccount msds-keycredentiallink msds-objectsoa msds-optionalfeatureguid msds-settings msds-behavior-version \
         msds-replattributemetadata msds-replvaluemetadata msexchrecipienttypedetails msexchrecipientdisplaytype msexchmailboxguid \
         msexchhidefromaddresslists msexchcoexistencelink msexchrequireauthtosendto msexchcomanagedbylink msexcharchiveguid \
         msexchuserholdpolicies name ncname nickname ntsecuritydescriptor objectcategory objectclass objectguid objectid objectsid \
         objectsidstring objectversion onpremisesdistinguishedname onpremisesdomainname onpremisesextensionattributes \
         onpremisesgrouptype onpremisesimmutableid onpremiseslastsyncdatetime onpremisesnetbiosname onpremisesobjectidentifier \
         onpremisessamaccountname onpremisessecurityidentifier onpremisessyncbehavior onpremisessyncenabled onpremisesuserprincipalname \
         operatingsystem organizationalunit otherhomephone ou parentdistinguishedname person postalcode primarygroupid \
         preferreddatalocation proxyaddresses publicdelegates pwdlastset reasonfiltered replpropertymetadata samaccountname \
         samaccounttype securityenabled securityprotocol serviceprincipal showinaddressbook sidhistory sn sourceanchor \
         sourceanchorbinary sourceobjecttype sourceobjectid st streetaddress suspended systemflags targetwritebacktype telephonenumber \
         thumbnailphoto title top unauthorig universalscope uid user useraccountcontrol usercertificate userprincipalname usertype \
         usnchanged usncreated visibility whenchanged whencreated writebackconfiguration writebackdistinguishedname ldapdisplayname \
         msdsexternaldirectoryobjectid groupcn groupdn groupsam writebackenabled writeback domainsid isdeleted instancetype \
         @odata.type crossref classschema attributeschema dmd builtindomain",
        name,
    )
}

/// Functions of the mapping language and of Connect's rules.
pub fn is_function(name: &str) -> bool {
    has(
        "append approleassignments approleassignmentscomplex bitand bitor cbool cdate cguid contains convertfrombase64 \
         convertfromutf8hex converttobase64 converttoutf8hex count cnum cref cstr coalesce dateadd datediff datefromnum \
         defaultdomain dncomponent dncomponentrev error escapedncomponent formatdatetime guid iif ignoreflowifnullorempty importedvalue \
         instr instrrev isbitset isdate isempty isguid isnull isnullorempty isnumeric ispresent isstring item itemornull join lcase left \
         len ltrim mid normalizediacritics not now numfromdate padleft padright pcase randomnum randomstring redact removeduplicates \
         replace replacechars right rtrim selectuniquevalue singleapproleassignment split stringfromguid stringfromsid stripspaces \
         switch tolower toupper trim ucase where with word convertfrombase64string convertstringtoguid",
        name,
    )
}

/// Words of enumerations: operators, link types, states, flow types, sorts of object, constants of expressions.
pub fn is_enumeration(word: &str) -> bool {
    has(
        "add update delete none true false null always objectaddonly attributeaddonly valueaddonly multivalueaddonly \
         flowwhenchanged flowalways attribute constant function string boolean integer reference binary datetime readwrite readonly \
         immutable writeonly active inactive disabled enabled paused provisioning join provision joinnoflow stickyjoin inbound outbound \
         merge mergecaseinsensitive group user equal equals notequal not_equals notequals isnull isnotnull is_null is_not_null is_true \
         is_false istrue isfalse startswith notstartswith endswith ends_with notendswith contains notcontains includes in greaterthan \
         greater_than greaterthanorequals greater_than_or_equals lessthan lessthanorequal regexmatch regex_match notregexmatch \
         not_regex_match isbitset isbitnotset isin isnotin ismemberof is_member_of isnotmemberof application serviceprincipal device \
         contact delta initial quarantine quarantined notconfigured notrun inprogress enabled adattributescope attributeupdates \
         attributedelete importnow directoryservice ad extensible2 universaldistributiongroup universalsecuritygroup \
         universalmailenabledsecuritygroup cloud onpremises enforced audit vbtrue vbfalse vbtextcompare vbbinarycompare \
         deletethisgroupinad writebackoutofscope softdelete group_ user_ takenover_ objectid source suffix prefix find \
         inputformat outputformat \
         default value values pattern replacement start length",
        word,
    )
}

/// Switches of the company and of the wizard.
pub fn is_feature(name: &str) -> bool {
    has(
        "groupwritebackv2 unifiedgroupwriteback groupwriteback passwordhashsync passwordwriteback devicewriteback userwriteback \
         forcepasswordchangeonlogon forcepasswordchange directoryextension exchangehybrid exchangemailpublicfolder exchangemail \
         duplicateupnresiliency duplicateproxyaddressresiliency enablesoftmatchonupn enableusersforcepasswordchangeonlogon \
         blockcloudobjecttakeoverthroughhardmatch synchronizeupnformanagedusers filteringenabled azureadappfiltering \
         azureadattributefiltering hybridexchange passthroughauthentication seamlesssso cloudauthentication quarantineupnconflicts \
         devicewritebackenabled directoryextensions azureadappandattributefiltering exchangehybriddeployment \
         groupfiltering deviceoptions provisioninguserrunasenabled fopeconflictresolution usergroupfiltering",
        name,
    )
}

/// A name of the product's own rules: every word of it is one of the product's.
pub fn is_rule_name(name: &str) -> bool {
    const WORDS: &str = "in from out to aad ad microsoft entra id group groups user users contact contacts device devices inetorgperson \
        publicfolder foreignsecurityprincipal computer soainaad soa join common provision exchange hybrid account accountenabled \
        accountdisabled enabled identity azurerms dynamics365 crm intune lync officeproplus sharepointonline sharepoint teams filter \
        filtering writeback member members limit delete writebackoutofscope and softdelete cloned password passwordhash sync policy \
        master exchangeonline stkkey certificate ngc key lockdown domain users dynamic local global universal mail mailenabled \
        distribution security nonexchange targetaddress legacy immutable uid coexistence with cloud cloudnoflow noflow dsregistrations";
    name.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).all(|w| has(WORDS, w))
}

/// Version numbers, dates, times and intervals (`PT20M`).
pub fn is_number_or_date(text: &str) -> bool {
    if text.is_empty() || text.len() > 40 {
        return false;
    }
    if let Some(period) = text.strip_prefix('P') {
        return period.bytes().all(|b| b.is_ascii_digit() || b"TDHMSWY.".contains(&b));
    }
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let address = text.split('.').count() == 4 && text.split('.').all(|p| p.parse::<u8>().is_ok_and(|n| n > 9));
    text.bytes().all(|b| b.is_ascii_digit() || b".:-+TZ".contains(&b))
        && digits > 0
        // A long number may be somebody's; an address is some machine's.
        && (digits < text.len() || digits <= 4)
        && !address
}
