"""Reads security descriptors as Samba does: one JSON object a line in, one out."""

import base64
import json
import sys

import samba.security
from samba.dcerpc import security
from samba.ndr import ndr_pack, ndr_unpack


def ace(entry):
    read = {
        "type": int(entry.type),
        "flags": int(entry.flags),
        "mask": int(entry.access_mask) & 0xFFFFFFFF,
        "trustee": str(entry.trustee),
        "object": None,
        "inherited": None,
    }
    present = getattr(entry.object, "flags", 0) or 0
    if present & 1:
        read["object"] = str(entry.object.type)
    if present & 2:
        read["inherited"] = str(entry.object.inherited_type)
    return read


def allowed(descriptor, sids, mask):
    token = security.token()
    # The list counts for as many as were announced before it is set.
    token.num_sids = len(sids)
    token.sids = [security.dom_sid(sid) for sid in sids]
    try:
        samba.security.access_check(descriptor, token, mask)
        return True
    except Exception:
        return False


print(json.dumps({"samba": samba.version}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    if "sddl" in asked:
        made = security.descriptor.from_sddl(asked["sddl"], security.dom_sid("S-1-5-21-1111-2222-3333"))
        data = ndr_pack(made)
    else:
        data = base64.b64decode(asked["sd"])
    descriptor = ndr_unpack(security.descriptor, data)
    print(
        json.dumps(
            {
                "sd": base64.b64encode(data).decode(),
                "control": int(descriptor.type),
                "owner": str(descriptor.owner_sid) if descriptor.owner_sid else None,
                "group": str(descriptor.group_sid) if descriptor.group_sid else None,
                "aces": [ace(a) for a in descriptor.dacl.aces] if descriptor.dacl else None,
                "allowed": [allowed(descriptor, asked["sids"], mask) for mask in asked["masks"]],
            }
        ),
        flush=True,
    )
