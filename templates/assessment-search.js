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
