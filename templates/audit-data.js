// The groups of the page and the failures, parsed block by block and kept as they came. A number where a text is expected
// names a string. What is no group becomes a row of its own when its first failure arrives.

const FULL = "audit.json"; // what has all that this page cuts
const meta = JSON.parse(byId("meta").textContent);
const checks = meta.checks.map(([id, title, severity, status, remedy, failed]) => ({ id, title, severity, status, remedy, failed }));
const checkNumbers = new Map(checks.map((check, at) => [check.id, at]));

// Columns of a group, and of a failure, as the program writes them.
const NAME = 0, RDN = 1, CONTAINER = 2, ID = 3, GUID = 4, SID = 5, MEMBERS = 6, SCOPE = 7, WAVE = 8, FAILED = 9, UNKNOWN = 10;
const OF = 0, CHECK = 1, STATE = 2, OPEN = 3, F_NAME = 4, F_RDN = 5, F_CONTAINER = 6, ATTRIBUTE = 7, EXPECTED = 8, ACTUAL = 9, MESSAGE = 10, EVIDENCE = 11;

const data = { rows: [], loaded: false, strings: [], failures: new Map(), subjects: new Map(), worst: [], lower: [] };

const textOf = (value) => (typeof value === "number" ? data.strings[value] : value);

function worstOf(failed) {
  return failed.reduce((worst, check) => Math.max(worst, checks[check].severity), -1);
}

function addBlock(text) {
  const block = JSON.parse(text);
  for (const string of block.s) data.strings.push(string);
  for (const row of block.r) {
    data.worst.push(worstOf(row[FAILED]));
    data.rows.push(row);
  }
}

// What is no group: by its name; a failed or open check is noted on it as it comes.
function subjectOf(failure) {
  const name = textOf(failure[F_NAME]);
  let at = data.subjects.get(name);
  if (at === undefined) {
    at = data.rows.push([name, failure[F_RDN], failure[F_CONTAINER], null, null, null, 0, 2, null, [], []]) - 1;
    data.worst.push(-1);
    data.subjects.set(name, at);
  }
  const list = data.rows[at][failure[OPEN] ? UNKNOWN : FAILED];
  if (!list.includes(failure[CHECK])) list.push(failure[CHECK]);
  data.worst[at] = worstOf(data.rows[at][FAILED]);
  return at;
}

function addFailures(text) {
  const block = JSON.parse(text);
  for (const string of block.s) data.strings.push(string);
  for (const failure of block.r) {
    const at = failure[OF] < 0 ? subjectOf(failure) : failure[OF];
    const list = data.failures.get(at);
    if (list) list.push(failure);
    else data.failures.set(at, [failure]);
    data.lower[at] = undefined;
  }
}

const nameOf = (at) => data.rows[at][NAME];
const isSubject = (at) => data.rows[at][ID] === null && data.rows[at][GUID] === null;
function dnOf(at) {
  const row = data.rows[at];
  return row[RDN] === null || row[CONTAINER] === null ? row[RDN] : row[RDN] + "," + textOf(row[CONTAINER]);
}
const failuresOf = (at) => data.failures.get(at) || [];

function lowerOf(at) {
  if (data.lower[at] === undefined) {
    const row = data.rows[at];
    const parts = [nameOf(at), dnOf(at), row[ID], row[GUID], row[SID], textOf(row[WAVE])];
    for (const failure of failuresOf(at)) parts.push(textOf(failure[MESSAGE]));
    data.lower[at] = parts.filter((part) => part !== null && part !== undefined).join("\n").toLowerCase();
  }
  return data.lower[at];
}

// The rows that fit the filters, in the wanted order. Check, severity and state must fit one and the same failure.
function* selectRows(filters) {
  const terms = [];
  for (const [, phrase, word] of filters.q.toLowerCase().matchAll(/"([^"]*)"?|(\S+)/g)) if (phrase || word) terms.push(phrase || word);
  const least = filters.severity ? SEVERITIES.indexOf(filters.severity) : -1;
  const wanted = filters.check ? checkNumbers.get(filters.check) : -1;
  const state = { new: 1, unchanged: 2 }[filters.state] || 0;
  const length = data.rows.length, found = [];
  for (let at = 0; at < length; at++) {
    const row = data.rows[at];
    const fits = (check) => (wanted === -1 || check === wanted) && checks[check].severity >= least;
    const failed = state ? failuresOf(at).some((f) => !f[OPEN] && f[STATE] === state && fits(f[CHECK])) : row[FAILED].some(fits);
    const open = !state && row[UNKNOWN].some(fits);
    const any = filters.show === "all" ? failed || open || (wanted === -1 && least === -1 && !state) : filters.show === "unknown" ? open : failed;
    if (any && terms.every((term) => lowerOf(at).includes(term))) found.push(at);
    if (at % 2000 === 1999) yield;
  }
  return sorted(found, filters.sort);
}

// Groups are published in the order of their DN, what is no group comes after them. Ties keep that order.
function sorted(found, sort) {
  const column = sort.replace("-", ""), sign = sort.startsWith("-") ? -1 : 1;
  if (!column || column === "dn") return sign < 0 ? found.reverse() : found;
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const keys = {
    name: (at) => nameOf(at) || "\uffff",
    verdict: (at) => -data.worst[at] * 1000 - data.rows[at][FAILED].length,
    members: (at) => data.rows[at][MEMBERS],
    severity: (at) => failuresOf(at).length || data.rows[at][FAILED].length,
  };
  const rows = found.map((at) => [keys[column](at), at]);
  rows.sort(([a, x], [b, y]) => sign * (typeof a === "number" ? a - b : collator.compare(a, b)) || x - y);
  return rows.map(([, at]) => at);
}

// The row that a shared link names: by object id, objectGUID, SID, DN or name, whatever the case.
function findRows(text, from) {
  const wanted = text.toLowerCase(), found = [];
  for (let at = from || 0; at < data.rows.length; at++) {
    const row = data.rows[at];
    const keys = isSubject(at) ? [nameOf(at), dnOf(at)] : [row[ID], row[GUID], row[SID], dnOf(at)];
    if (keys.some((key) => key !== null && key.toLowerCase() === wanted)) found.push(at);
  }
  return found;
}
function linkOf(at) {
  const row = data.rows[at], key = row[ID] !== null ? row[ID] : row[GUID];
  return key !== null && (dnOf(at) === null || findRows(key).length === 1) ? key : dnOf(at) || nameOf(at);
}
