// The rows of the page: parsed block by block and kept as they came. A number where a text is expected names a string.

const meta = JSON.parse(byId("meta").textContent);
const NAME = 2, RDN = 3, CONTAINER = 4, ID = 5, GUID = 6, SID = 7, CHANGES = 8, DEPENDS = 9, COUNTS = 10, ATTRIBUTES = 11, SECTIONS = 12, NOTES = 13, DIFFERS = 14, ACCESS = 15;

const data = { rows: [], loaded: false, strings: [], changes: new Set(), lower: [] };

function addBlock(text) {
  const block = JSON.parse(text);
  for (const string of block.s) data.strings.push(string);
  for (const row of block.r) {
    data.rows.push(row);
    for (const change of row[CHANGES]) data.changes.add(change);
  }
}

const textOf = (value) => (typeof value === "number" ? data.strings[value] : value);
const nameOf = (at) => data.rows[at][NAME];
const severityOf = (at) => data.rows[at][0];
const actionOf = (at) => textOf(data.rows[at][1]);
function dnOf(at) {
  const row = data.rows[at];
  return row[RDN] === null || row[CONTAINER] === null ? row[RDN] : row[RDN] + "," + textOf(row[CONTAINER]);
}

function lowerOf(at) {
  if (data.lower[at] === undefined) {
    const row = data.rows[at];
    data.lower[at] = [nameOf(at), dnOf(at), row[ID], row[GUID], row[SID]].filter((part) => part !== null).join("\n").toLowerCase();
  }
  return data.lower[at];
}

// The rows that fit the filters, in the wanted order.
function* selectRows(filters) {
  const terms = [];
  for (const [, phrase, word] of filters.q.toLowerCase().matchAll(/"([^"]*)"?|(\S+)/g)) if (phrase || word) terms.push(phrase || word);
  const least = filters.severity ? SEVERITIES.indexOf(filters.severity) : 0;
  const length = data.rows.length, found = [];
  for (let at = 0; at < length; at++) {
    const row = data.rows[at];
    if (
      (filters.show === "all" || row[DIFFERS]) && row[0] >= least &&
      (!filters.change || row[CHANGES].some((change) => textOf(change) === filters.change)) &&
      (!filters.point || row[DEPENDS].some((point) => textOf(point) === filters.point)) &&
      terms.every((term) => lowerOf(at).includes(term))
    ) found.push(at);
    if (at % 2000 === 1999) yield;
  }
  return sorted(found, filters.sort);
}

// Rows are published in the order of their DN. Ties keep that order.
function sorted(found, sort) {
  const column = sort.replace("-", ""), sign = sort.startsWith("-") ? -1 : 1;
  if (!column || column === "dn") return sign < 0 ? found.reverse() : found;
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const keys = {
    name: (at) => nameOf(at) || "\uffff",
    verdict: actionOf,
    members: (at) => data.rows[at][COUNTS][1] * 1e6 + data.rows[at][COUNTS][2] * 1e3 + data.rows[at][COUNTS][0],
    severity: (at) => severityOf(at) * 1000 + data.rows[at][CHANGES].length,
  };
  const rows = found.map((at) => [keys[column](at), at]);
  rows.sort(([a, x], [b, y]) => sign * (typeof a === "number" ? a - b : collator.compare(a, b)) || x - y);
  return rows.map(([, at]) => at);
}

// The row that a shared link names: by object id, objectGUID, SID or DN, whatever the case.
function findRows(text, from) {
  const wanted = text.toLowerCase(), found = [];
  for (let at = from || 0; at < data.rows.length; at++) {
    const row = data.rows[at];
    if ([row[ID], row[GUID], row[SID], dnOf(at)].some((key) => key !== null && key.toLowerCase() === wanted)) found.push(at);
  }
  return found;
}
function linkOf(at) {
  const row = data.rows[at], key = row[ID] !== null ? row[ID] : row[GUID];
  return key !== null && (dnOf(at) === null || findRows(key).length === 1) ? key : dnOf(at);
}
