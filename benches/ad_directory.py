#!/usr/bin/env python3
"""What the servers of benches/ad.sh are filled with; LDIF goes to standard output.

  ad_directory.py slapd AD_FOLDER          entries for slapadd, out of the synthetic tenant's ad/*.ldf
  ad_directory.py schema MSUSER_LDIF       msuser.ldif as this measurement needs it
  ad_directory.py samba USERS GROUPS SIZE  entries for ldbadd: a container, users, groups of SIZE members each
"""
import sys

DOMAIN = b"DC=contoso,DC=com"
CREATED = 10_000


def entries(path):
    """The name of each entry, unfolded, and its lines behind the name as they stand."""
    name, body, open_name = None, [], False
    with open(path, "rb", buffering=1 << 20) as lines:
        for line in lines:
            if name is None:
                name, open_name = line.rstrip(b"\n"), True
            elif line == b"\n":
                yield name, body
                name, body = None, []
            elif open_name and line.startswith(b" "):
                name += line[1:].rstrip(b"\n")
            else:
                open_name = False
                body.append(line)
    if name is not None:
        yield name, body


def decoded(name):
    import base64

    return base64.b64decode(name[5:]) if name.startswith(b"dn:: ") else name[4:]


def slapd(folder):
    out = sys.stdout.buffer
    out.write(b"dn: " + DOMAIN + b"\nobjectClass: top\nobjectClass: dcObject\nobjectClass: organization\n"
              b"o: contoso\ndc: contoso\n\n")
    known = {DOMAIN.lower()}
    number = CREATED

    def container(dn):
        # No value of these names holds an escaped comma but the first, which belongs to the object itself.
        if dn.lower() in known:
            return
        container(dn.split(b",", 1)[1])
        known.add(dn.lower())
        out.write(b"dn: " + dn + b"\nobjectClass: top\nobjectClass: organizationalUnit\nou: "
                  + dn.split(b",", 1)[0][3:] + b"\n\n")

    for file, category in [("users.ldf", b"person"), ("groups.ldf", b"group")]:
        for name, body in entries(f"{folder}/{file}"):
            dn = decoded(name)
            container(dn[dn.index(b",OU=") + 1:])
            number += 1
            usn = str(number).encode()
            out.write(name + b"\nobjectCategory: " + category + b"\nuSNCreated: " + usn + b"\nuSNChanged: " + usn
                      + b"\nwhenChanged: 20260102030405.0Z\n")
            out.writelines(body)
            out.write(b"\n")


def schema(path):
    """msuser.ldif has no matching rules. The reader asks by two attributes, which AD has indexed: objectCategory, in AD
    a name that may be asked for by its first part, becomes text here; uSNCreated becomes a number that can be compared.
    """
    replace = {
        "'objectCategory'": "EQUALITY caseIgnoreMatch SYNTAX '1.3.6.1.4.1.1466.115.121.1.15'",
        "'uSNCreated'": "EQUALITY integerMatch ORDERING integerOrderingMatch SYNTAX '1.3.6.1.4.1.1466.115.121.1.27'",
    }
    wanted = None
    for line in open(path, encoding="utf-8"):
        for name, syntax in replace.items():
            if f"NAME {name}" in line:
                wanted = syntax
        if wanted and "SYNTAX" in line:
            line, wanted = f"  {wanted}\n", None
        sys.stdout.write(line)
    # Later than the list's schema: the anchor's stamp, and what msuser.ldif leaves to other schemas or overlays.
    sys.stdout.write(
        "olcAttributeTypes: ( MSADat4:2310 NAME 'msDS-ExternalDirectoryObjectId'"
        " SYNTAX '1.3.6.1.4.1.1466.115.121.1.15' SINGLE-VALUE )\n"
    )


def samba(users, groups, size):
    domain = "DC=contoso,DC=test"
    out = sys.stdout
    for name in ["BenchUsers", "BenchGroups"]:
        out.write(f"dn: OU={name},{domain}\nobjectClass: organizationalUnit\nou: {name}\n\n")
    for n in range(users):
        out.write(f"dn: CN=Bench User {n:05},OU=BenchUsers,{domain}\nobjectClass: user\nsAMAccountName: bu{n:05}\n"
                  f"displayName: Bench User {n:05}\n\n")
    for n in range(groups):
        anchor = f"Group_{n:08x}-0000-4000-8000-{n:012x}"
        out.write(f"dn: CN=Bench Group {n:05},OU=BenchGroups,{domain}\nobjectClass: group\nsAMAccountName: bg{n:05}\n"
                  f"displayName: Bench Group {n:05}\ngroupType: -2147483640\nadminDescription: {anchor}\n"
                  f"msDS-ExternalDirectoryObjectId: {anchor}\n")
        for m in range(size):
            out.write(f"member: CN=Bench User {(n * 37 + m * 97) % users:05},OU=BenchUsers,{domain}\n")
        out.write("\n")


def main():
    match sys.argv[1:]:
        case ["slapd", folder]:
            slapd(folder)
        case ["schema", path]:
            schema(path)
        case ["samba", users, groups, size]:
            samba(int(users), int(groups), int(size))
        case _:
            sys.exit(__doc__)


main()
