//! The objects of both sides: every text, GUID and SID replaced, every number, flag and link as it was.

use super::text::Mapper;
use super::vocabulary as known;
use crate::directory::inventory::{
    Ad, AdClass, AdEnvironment, Entra, EntraKind, Identifier, Inventory, SidRef, SidTable, Tenant,
};
use crate::directory::security::{Dacl, Entry, SecurityDescriptor, schema};
use crate::directory::{Anchor, Arena, Dn, ObjectGuid, Sid, Text, starts_like_anchor};

/// Notes what has to be known before the first name is replaced: ids that names end in, names of people, cuts.
pub fn learn(inventory: &Inventory, mapper: &mut Mapper) {
    for group in &inventory.entra.groups {
        mapper.add_id(inventory.entra_object(group).id);
    }
    for group in &inventory.ad.groups {
        for text in [group.admin_description, group.edoi] {
            if let Some(Anchor(id)) = inventory.text.get(text).and_then(Anchor::parse) {
                mapper.add_id(id);
            }
        }
    }
    for object in &inventory.ad.objects {
        if !matches!(object.class, AdClass::Group | AdClass::Container)
            && let Some(dn) = inventory.text.get(object.dn)
        {
            mapper.add_person(dn);
        }
    }
    for object in inventory.ad.objects.iter().filter(|o| matches!(o.class, AdClass::Group | AdClass::Container)) {
        if let Some(dn) = inventory.text.get(object.dn).and_then(|dn| Dn::parse(dn).ok())
            && let Some(rdn) = dn.rdn()
        {
            mapper.add_shared(rdn.value());
        }
    }
    let names = inventory.ad.groups.iter().map(|g| g.display_name);
    for name in names.chain(inventory.entra.groups.iter().flat_map(|g| [g.display_name, g.mail_nickname])) {
        inventory.text.get(name).into_iter().for_each(|name| mapper.add_shared(name));
    }
    let mut open: Vec<&serde_json::Value> = inventory.cloud_sync.schemas.iter().flatten().collect();
    while let Some(value) = open.pop() {
        match value {
            serde_json::Value::Array(list) => open.extend(list),
            serde_json::Value::Object(object) => {
                if let Some(expression) = object.get("expression").and_then(|e| e.as_str()) {
                    mapper.add_cuts(expression);
                }
                open.extend(object.values());
            }
            _ => {}
        }
    }
}

/// New stores of text and SIDs, filled from the old ones.
struct Stores<'m> {
    old: Arena,
    new: Arena,
    old_sids: SidTable,
    sids: SidTable,
    mapper: &'m mut Mapper,
}

impl Stores<'_> {
    fn map(&mut self, text: Text, with: impl FnOnce(&mut Mapper, &str) -> String) -> Text {
        match self.old.get(text) {
            Some(old) => {
                let new = with(self.mapper, old);
                self.new.add(&new)
            }
            None => Text::NONE,
        }
    }
    fn sid(&mut self, sid: SidRef) -> SidRef {
        match self.old_sids.get(sid) {
            Some(sid) => self.sids.add(&self.mapper.key.sid(&sid)),
            None => sid,
        }
    }
    fn guid(&self, guid: ObjectGuid) -> ObjectGuid {
        self.mapper.key.guid(guid)
    }
}

/// Replaces what the objects hold. Cloud Sync, Connect and the problems are the business of their own modules.
pub fn objects(inventory: &mut Inventory, mapper: &mut Mapper) {
    let mut stores = Stores {
        old: std::mem::take(&mut inventory.text),
        new: Arena::default(),
        old_sids: std::mem::take(&mut inventory.sids),
        sids: SidTable::default(),
        mapper,
    };
    ad(&mut inventory.ad, &mut stores);
    entra(&mut inventory.entra, &mut stores);
    (inventory.text, inventory.sids) = (stores.new, stores.sids);
    environment(&mut inventory.ad.environment, mapper);
    tenant(&mut inventory.entra.tenant, mapper);
}

fn ad(ad: &mut Ad, stores: &mut Stores<'_>) {
    for object in &mut ad.objects {
        let person = !matches!(object.class, AdClass::Group | AdClass::Container);
        object.dn = stores.map(object.dn, Mapper::dn);
        object.guid = stores.guid(object.guid);
        object.sid = stores.sid(object.sid);
        object.sam_account_name = stores.map(object.sam_account_name, |m, sam| match person {
            // The documented account of the provisioning agent: gates look for it by its name.
            true if sam.eq_ignore_ascii_case("provAgentgMSA$") => sam.to_owned(),
            true => m.person(sam),
            false => m.value(sam),
        });
    }
    for group in &mut ad.groups {
        group.admin_description = stores.map(group.admin_description, anchor);
        group.edoi = stores.map(group.edoi, anchor);
        group.display_name = stores.map(group.display_name, Mapper::value);
        group.description = stores.map(group.description, free);
        group.mail = stores.map(group.mail, mail);
        group.object_soa = stores.map(group.object_soa, Mapper::enumeration);
        group.when_changed = stores.map(group.when_changed, Mapper::number);
    }
    for descriptor in &mut ad.descriptors {
        *descriptor = security(descriptor, stores.mapper);
    }
}

fn entra(entra: &mut Entra, stores: &mut Stores<'_>) {
    for object in &mut entra.objects {
        object.id = stores.guid(object.id);
        let group = object.kind == EntraKind::Group;
        object.name = stores.map(object.name, |m, name| if group { m.value(name) } else { m.person(name) });
    }
    for user in &mut entra.users {
        user.on_premises_id = match user.on_premises_id {
            Identifier::Guid(guid) => Identifier::Guid(stores.guid(guid)),
            Identifier::Unreadable(text) => Identifier::Unreadable(stores.map(text, |m, t| {
                // No GUID and no base64 of one comes of it.
                format!("unreadable {}", m.key.opaque("identifier", t))
            })),
            other => other,
        };
        user.sid = user.sid.map(|sid| stores.sid(sid));
    }
    for group in &mut entra.groups {
        group.display_name = stores.map(group.display_name, Mapper::value);
        group.description = stores.map(group.description, free);
        group.mail_nickname = stores.map(group.mail_nickname, Mapper::value);
        group.writeback.group_type = stores.map(group.writeback.group_type, Mapper::enumeration);
        group.sid = group.sid.map(|sid| stores.sid(sid));
    }
    for (name, value) in &mut entra.extensions {
        *name = stores.map(*name, Mapper::attribute);
        *value = stores.map(*value, |m, value| match value {
            "True" | "False" => value.to_owned(),
            _ => m.text(value),
        });
    }
}

/// An anchor, or what stands in its place: which sort of value it is stays, letter case of the id too.
fn anchor(mapper: &mut Mapper, text: &str) -> String {
    let new = mapper.value(text);
    // What was no anchor must not come out as the start of one.
    if starts_like_anchor(&new) && !starts_like_anchor(text) { format!("x{new}") } else { new }
}

/// Free text: that it is there and whether two are alike is all that stays.
fn free(mapper: &mut Mapper, text: &str) -> String {
    if text.trim().is_empty() { text.to_owned() } else { mapper.key.opaque("text", text) }
}

fn mail(mapper: &mut Mapper, text: &str) -> String {
    match text.rsplit_once('@') {
        Some((local, domain)) => format!("{}@{}", mapper.key.opaque("mail", local), mapper.host(domain)),
        None => free(mapper, text),
    }
}

/// The same rights for other accounts. Of entries that hang on conditions only the mask stays, since conditions hold names;
/// bytes that are no descriptor become others that are none.
fn security(bytes: &[u8], mapper: &mut Mapper) -> Vec<u8> {
    let Ok(mut descriptor) = SecurityDescriptor::parse(bytes) else { return vec![0] };
    let sid = |old: &mut Sid| *old = mapper.key.sid(old);
    descriptor.owner.as_mut().into_iter().for_each(sid);
    descriptor.group.as_mut().into_iter().for_each(sid);
    if let Dacl::List(entries) = &mut descriptor.dacl {
        for entry in entries {
            match entry {
                Entry::Ace(ace) => {
                    sid(&mut ace.trustee);
                    for guid in [&mut ace.object_type, &mut ace.inherited_object_type].into_iter().flatten() {
                        *guid = right(*guid, mapper);
                    }
                }
                Entry::Opaque { body, .. } => body.truncate(4),
            }
        }
    }
    descriptor.to_bytes().unwrap_or_else(|| vec![0])
}

/// Classes, attributes and rights of every schema stay; those of an organisation's own extensions do not.
fn right(guid: ObjectGuid, mapper: &Mapper) -> ObjectGuid {
    // Microsoft's schema identifiers end in the addresses of the machines that made them.
    const NODES: [u128; 6] =
        [0x00aa003049e2, 0x00c04fc2d4cf, 0x00c04fc2d3cf, 0x0000f80367c1, 0x00c04fb96050, 0x00c04fd8d5b0];
    let stays = guid == schema::edoi() || NODES.contains(&(guid.as_u128() & 0xffff_ffff_ffff));
    if stays { guid } else { mapper.key.guid(guid) }
}

fn environment(environment: &mut AdEnvironment, mapper: &mut Mapper) {
    // Which controller was read, and how far it had got, serves the next collection only.
    environment.controller = None;
    for domain in
        environment.domains.iter_mut().chain(&mut environment.forest_domains).chain(&mut environment.domains_searched)
    {
        *domain = mapper.host(domain);
    }
    environment.netbios_names = std::mem::take(&mut environment.netbios_names)
        .iter()
        .map(|(domain, name)| (mapper.host(domain), mapper.value(name)))
        .collect();
    for name in environment.schema_attributes.iter_mut().chain(&mut environment.attributes_seen) {
        *name = mapper.attribute(name);
    }
    for controller in &mut environment.domain_controllers {
        controller.name = mapper.host(&controller.name);
        controller.operating_system = controller.operating_system.take().map(|system| {
            const WORDS: &str =
                "windows server standard datacenter enterprise essentials foundation azure edition r2 evaluation";
            let plain =
                |w: &str| WORDS.split(' ').any(|k| k.eq_ignore_ascii_case(w)) || w.bytes().all(|b| b.is_ascii_digit());
            let product = system.to_lowercase().starts_with("windows") && system.split([' ', ':', '®']).all(plain);
            if product { system } else { "another operating system".to_owned() }
        });
    }
    for setting in environment.soa_policy.iter_mut().flatten() {
        let enforced = setting.to_ascii_lowercase().contains("enforced");
        let new = if known::is_enumeration(setting.trim()) { setting.clone() } else { mapper.text(setting) };
        *setting =
            if enforced && !new.to_ascii_lowercase().contains("enforced") { format!("Enforced {new}") } else { new };
    }
    for carrier in &mut environment.other_carriers {
        carrier.dn = mapper.dn(&carrier.dn);
        carrier.attribute = mapper.attribute(&carrier.attribute);
        carrier.value = anchor(mapper, &carrier.value);
    }
}

fn tenant(tenant: &mut Tenant, mapper: &mut Mapper) {
    tenant.id = tenant.id.take().map(|id| mapper.value(&id));
    tenant.display_name = tenant.display_name.take().map(|name| mapper.value(&name));
    tenant.default_domain = tenant.default_domain.take().map(|name| mapper.host(&name));
    tenant.writeback_container = tenant.writeback_container.take().map(|dn| mapper.dn(&dn));
    tenant.connect_version = tenant.connect_version.take().map(|version| mapper.number(&version));
    for sku in tenant.skus.iter_mut().flatten() {
        // Which licences an organisation has is told only as far as gate E12 asks.
        let governance = sku.sku_part_number.to_ascii_uppercase().contains("GOVERNANCE");
        sku.sku_part_number = if governance { "GOVERNANCE".to_owned() } else { "OTHER".to_owned() };
        sku.service_plans.retain(|plan| {
            ["AAD_PREMIUM", "AAD_PREMIUM_P2", "Entra_Identity_Governance"].iter().any(|p| p.eq_ignore_ascii_case(plan))
        });
    }
    for property in &mut tenant.group_properties {
        *property = mapper.attribute(property);
    }
}
