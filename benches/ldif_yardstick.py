#!/usr/bin/python3
"""The yardstick for reading LDIF: python-ldap's own parser (Debian's python3-ldap), streaming.

    /usr/bin/python3 benches/ldif_yardstick.py FILE.ldf …

Counts entries and attribute values of each file and prints how fast that went. Nothing is kept, so this is the least
that a Python program can do with the file. The last line is the sum, as JSON, for benches/measure.sh.
"""

import json
import os
import resource
import sys
import time

try:
    import ldif
except ImportError:
    sys.exit("python-ldap is missing: apt-get install python3-ldap, and run this with /usr/bin/python3")


class Counter(ldif.LDIFParser):
    """Counts what LDIFParser hands on."""

    def __init__(self, file):
        super().__init__(file)
        self.entries = 0
        self.values = 0

    def handle(self, dn, entry):
        self.entries += 1
        self.values += sum(map(len, entry.values()))


def main(paths):
    if not paths:
        sys.exit(__doc__)
    entries = values = size = 0
    began = time.monotonic()
    for path in paths:
        start = time.monotonic()
        with open(path, "rb") as file:
            counter = Counter(file)
            counter.parse()
        seconds = time.monotonic() - start
        length = os.path.getsize(path)
        entries, values, size = entries + counter.entries, values + counter.values, size + length
        print(
            f"{os.path.basename(path)}: {counter.entries} entries, {counter.values} values, "
            f"{length / 1e6:.1f} MB in {seconds:.2f} s, {length / 1e6 / max(seconds, 1e-9):.1f} MB/s",
            file=sys.stderr,
        )
    seconds = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        json.dumps(
            {
                "entries": entries,
                "values": values,
                "bytes": size,
                "seconds": round(seconds, 3),
                "megabytesPerSecond": round(size / 1e6 / max(seconds, 1e-9), 2),
                "peakKilobytes": peak,
            }
        )
    )


main(sys.argv[1:])
