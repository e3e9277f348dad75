const FULL = "assessment.json"; // what has all that this page cuts
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

