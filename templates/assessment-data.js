// The groups of the page: parsed block by block, kept as the rows they came as, with typed arrays beside them for what
// filters and sorts ask. Long work is written as generators that give way, so that the page never stands still.

const VERDICTS = ["migrate", "fix", "review", "exclude"];
const SEVERITIES = ["info", "low", "medium", "high", "blocker"];
const CUT = "\u0000cut";
const byId = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en-US");
const plural = (n, one, many) => number.format(n) + " " + (n === 1 ? one : many);

// Control, direction and other invisible characters: the same set as the program's own `is_hazardous`.
const HAZARDOUS = /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;
function visible(text) {
  return text.replace(HAZARDOUS, (c) => "\u27e8U+" + c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0") + "\u27e9");
}

const meta = JSON.parse(byId("meta").textContent);
const rules = meta.rules.map(([id, title, groups]) => ({ id, title, groups }));
const ruleNumbers = new Map(rules.map((rule, at) => [rule.id, at]));
const about = new Set(meta.about);

// Columns of a row as the program writes them.
const NAME = 1, RDN = 2, CONTAINER = 3, ID = 4, GUID = 5, SID = 6, RID = 7, MEMBERS = 8, FINDINGS = 9;

const data = {
  rows: [],
  loaded: false,
  strings: [], // every text of a table or in place
  table: [], // a table number's place in `strings`
  verdict: new Uint8Array(meta.rows),
  members: new Float64Array(meta.rows),
  worst: new Uint8Array(meta.rows), // 0 for no finding, else the worst severity plus one
  unknown: new Uint8Array(meta.rows),
  container: new Int32Array(meta.rows),
  start: new Uint32Array(meta.rows + 1), // a row's first finding
  rule: new Uint16Array(meta.rows * 3),
  grade: new Uint8Array(meta.rows * 3),
  message: new Uint32Array(meta.rows * 3),
  findings: 0,
};

function grown(array, length) {
  const next = new array.constructor(Math.max(length, array.length * 2, 16));
  next.set(array);
  return next;
}

function place(value) {
  return typeof value === "number" ? data.table[value] : data.strings.push(value) - 1;
}

function ruleNumber(id) {
  let at = ruleNumbers.get(id);
  if (at === undefined) {
    at = rules.push({ id, title: "", groups: 0 }) - 1;
    ruleNumbers.set(id, at);
  }
  return at;
}

function addBlock(text) {
  const block = JSON.parse(text);
  for (const string of block.s) data.table.push(data.strings.push(string) - 1);
  for (const row of block.r) {
    const at = data.rows.push(row) - 1;
    data.verdict[at] = row[0];
    data.members[at] = row[MEMBERS];
    data.container[at] = row[CONTAINER] === null ? -1 : place(row[CONTAINER]);
    const findings = row[FINDINGS];
    for (let f = 0; f < findings.length; f += 5) {
      const k = data.findings++;
      if (k >= data.grade.length) {
        for (const column of ["rule", "grade", "message"]) data[column] = grown(data[column], k + 1);
      }
      const grade = findings[f + 1];
      data.rule[k] = ruleNumber(data.strings[place(findings[f])]);
      data.grade[k] = grade;
      data.message[k] = place(findings[f + 2]);
      data.worst[at] = Math.max(data.worst[at], (grade >> 1) + 1);
      data.unknown[at] |= grade & 1;
    }
    data.start[at + 1] = data.findings;
  }
}

const textOf = (value) => (typeof value === "number" ? data.strings[data.table[value]] : value);
const nameOf = (at) => data.rows[at][NAME];
const idOf = (at) => data.rows[at][ID];
const rdnOf = (at) => (data.rows[at][RDN] === 1 ? "CN=Group_" + data.rows[at][ID] : data.rows[at][RDN]);
function dnOf(at) {
  const rdn = rdnOf(at);
  return rdn === null || data.container[at] < 0 ? rdn : rdn + "," + data.strings[data.container[at]];
}
function sidOf(at) {
  const row = data.rows[at];
  if (row[SID] === null) return null;
  return row[RID] === null ? textOf(row[SID]) : textOf(row[SID]) + "-" + row[RID];
}
// The same test as the program's for "needs attention".
function isNotable(at) {
  return data.verdict[at] !== 0 || data.worst[at] > 1 || data.unknown[at] !== 0;
}
function findingsOf(at) {
  const flat = data.rows[at][FINDINGS];
  const list = [];
  for (let f = 0; f < flat.length; f += 5) {
    list.push({
      rule: rules[ruleNumber(textOf(flat[f]))],
      severity: flat[f + 1] >> 1,
      unknown: (flat[f + 1] & 1) === 1,
      message: textOf(flat[f + 2]),
      remedy: textOf(flat[f + 3]),
      evidence: evidenceOf(flat[f + 4]),
    });
  }
  return list;
}
function evidenceOf(packed) {
  if (!packed) return null;
  return JSON.parse(textOf(packed[0])).map((key, at) => [key, packed[at + 1]]);
}

// Runs a generator in slices. A newer run on the same lane ends an older one.
const lanes = {};
function run(lane, work, done, slice) {
  const token = (lanes[lane] = {});
  const step = () => {
    if (lanes[lane] !== token) return;
    const end = performance.now() + (slice || 12);
    do {
      const next = work.next();
      if (next.done) {
        lanes[lane] = null;
        return done && done(next.value);
      }
    } while (performance.now() < end);
    setTimeout(step, 0);
  };
  step();
}

// Lower-case texts for the search, made once: a row's names and ids, and each string of the tables.
const lower = { rows: [], strings: [] };
function* prepareSearch() {
  while (lower.strings.length < data.strings.length) {
    lower.strings.push(data.strings[lower.strings.length].toLowerCase());
    if (lower.strings.length % 500 === 0) yield;
  }
  while (lower.rows.length < data.rows.length) {
    const at = lower.rows.length, row = data.rows[at];
    const parts = [rdnOf(at), row[NAME], row[ID], row[GUID], sidOf(at)];
    lower.rows.push(parts.filter((part) => part !== null).join("\n").toLowerCase());
    if (lower.rows.length % 250 === 0) yield;
  }
}

// Words that must all occur; a phrase in double quotes counts as one word.
function termsOf(query) {
  const terms = [];
  for (const [, phrase, word] of query.toLowerCase().matchAll(/"([^"]*)"?|(\S+)/g)) {
    if (phrase || word) terms.push(phrase || word);
  }
  return terms;
}

// Where a term occurs in the strings, and which containers continue it behind a comma (a DN is kept as two parts).
function* hitsOf(term) {
  const hit = new Uint8Array(lower.strings.length);
  for (let s = 0; s < hit.length; s++) {
    if (lower.strings[s].includes(term)) hit[s] = 1;
    if (s % 4000 === 3999) yield;
  }
  const splits = [];
  const containers = term.includes(",") ? new Set(data.container) : new Set();
  containers.delete(-1);
  for (let comma = term.indexOf(","); comma >= 0; comma = term.indexOf(",", comma + 1)) {
    const tail = term.slice(comma + 1), fits = new Set();
    for (const c of containers) if (c < hit.length && lower.strings[c].startsWith(tail)) fits.add(c);
    if (fits.size) splits.push({ head: term.slice(0, comma), fits });
  }
  return { term, hit, splits };
}

function fitsTerm(at, { term, hit, splits }) {
  if (lower.rows[at].includes(term)) return true;
  if (data.container[at] >= 0 && hit[data.container[at]]) return true;
  for (let k = data.start[at]; k < data.start[at + 1]; k++) {
    if (hit[data.message[k]] || rules[data.rule[k]].lower === term) return true;
  }
  if (splits.length === 0 || data.container[at] < 0) return false;
  const rdn = rdnOf(at).toLowerCase();
  return splits.some(({ head, fits }) => fits.has(data.container[at]) && rdn.endsWith(head));
}

function fitsFinding(at, rule, least, unknown) {
  for (let k = data.start[at]; k < data.start[at + 1]; k++) {
    const grade = data.grade[k];
    if ((rule < 0 || data.rule[k] === rule) && grade >> 1 >= least && (unknown < 0 || (grade & 1) === unknown)) return true;
  }
  return false;
}

// The rows that fit the filters, in the wanted order.
function* selectRows(filters) {
  const verdicts = filters.verdict.map((name) => VERDICTS.indexOf(name));
  const rule = filters.rule ? ruleNumber(filters.rule) : -1;
  const least = filters.severity ? SEVERITIES.indexOf(filters.severity) : 0;
  const unknown = filters.status ? Number(filters.status === "unknown") : -1;
  const byFinding = rule >= 0 || least > 0 || unknown >= 0;
  const terms = termsOf(filters.q);
  const searches = [];
  if (terms.length) {
    yield* prepareSearch();
    rules.forEach((known) => (known.lower = known.id.toLowerCase()));
    for (const term of terms) searches.push(yield* hitsOf(term));
  }
  const length = terms.length ? lower.rows.length : data.rows.length;
  const found = new Uint32Array(length);
  let count = 0;
  for (let at = 0; at < length; at++) {
    if (
      (verdicts.length === 0 || verdicts.includes(data.verdict[at])) &&
      (!byFinding || fitsFinding(at, rule, least, unknown)) &&
      searches.every((search) => fitsTerm(at, search))
    ) {
      found[count++] = at;
    }
    if (at % 4000 === 3999) yield;
  }
  return yield* sorted(found.subarray(0, count), filters.sort);
}

// Rows are published in the order of their DN, so that column needs no comparison. Ties keep the published order.
function* sorted(found, sort) {
  const column = sort.replace("-", ""), down = sort.startsWith("-");
  if (!column || column === "dn") return down ? found.reverse() : found;
  let key;
  if (column === "name") {
    const ranks = yield* nameRanks();
    key = (at) => ranks[at];
  } else if (column === "members") {
    key = (at) => data.members[at];
  } else if (column === "verdict") {
    key = (at) => data.verdict[at];
  } else {
    // Among groups of one worst severity, those with more findings stand higher.
    key = (at) => data.worst[at] * 1000 + Math.min(999, data.start[at + 1] - data.start[at]);
  }
  const sign = down ? -1 : 1, scale = Math.max(1, data.rows.length);
  const keys = new Float64Array(found.length);
  for (let i = 0; i < found.length; i++) keys[i] = sign * key(found[i]) * scale + found[i];
  keys.sort();
  for (let i = 0; i < keys.length; i++) found[i] = ((keys[i] % scale) + scale) % scale;
  return found;
}

// Each row's place by name, groups without a name last: a merge sort that gives way, kept until more rows come.
let ranked = null;
function* nameRanks() {
  const length = data.rows.length;
  if (ranked && ranked.length === length) return ranked;
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const before = (a, b) => {
    const x = nameOf(a), y = nameOf(b);
    if (x === null || y === null) return (x === null) - (y === null);
    return collator.compare(x, y);
  };
  let from = Uint32Array.from({ length }, (_, at) => at), to = new Uint32Array(length), steps = 0;
  for (let width = 1; width < length; width *= 2) {
    for (let left = 0; left < length; left += 2 * width) {
      const middle = Math.min(left + width, length), right = Math.min(left + 2 * width, length);
      let i = left, j = middle;
      for (let k = left; k < right; k++) {
        to[k] = i < middle && (j >= right || before(from[i], from[j]) <= 0) ? from[i++] : from[j++];
        if (++steps % 1000 === 0) yield;
      }
    }
    [from, to] = [to, from];
  }
  const ranks = new Uint32Array(length);
  from.forEach((at, rank) => (ranks[at] = rank));
  return (ranked = ranks);
}

// The row that a shared link names: by object id, objectGUID, SID or DN, whatever the case.
function findRows(text, from) {
  const wanted = text.toLowerCase(), found = [];
  for (let at = from || 0; at < data.rows.length; at++) {
    const row = data.rows[at];
    const keys = [row[ID], row[GUID], sidOf(at), dnOf(at)];
    if (keys.some((key) => key !== null && key.toLowerCase() === wanted)) found.push(at);
  }
  return found;
}
