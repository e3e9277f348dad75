// The writes of the page: parsed block by block and kept as they came. A number where a text is expected names a string.

const meta = JSON.parse(byId("meta").textContent);
const STATES = ["done", "already", "undone", "intended", "foreign", "failed"];
const STATE_WORDS = ["done", "was so already", "taken back", "in doubt", "not ours", "failed"];
const STATE_ICONS = ["pass", "not-applicable", "exclude", "unknown", "fix", "fail"];
const STATE = 0, NUMBER = 1, NAME = 2, OBJECT = 3, ACTION = 4, ATTRIBUTE = 5, STEP = 6, UNDO = 7, UNDOES = 8, MEANT = 9, SETTLED = 10, SERVER = 11, DETAIL = 12, SNAPSHOT = 13, OLD = 14, NEW = 15;

const data = { rows: [], loaded: false, strings: [], actions: new Set(), lower: [] };

function addBlock(text) {
  const block = JSON.parse(text);
  for (const string of block.s) data.strings.push(string);
  for (const row of block.r) {
    data.rows.push(row);
    data.actions.add(row[ACTION]);
  }
}

const textOf = (value) => (typeof value === "number" ? data.strings[value] : value);
const nameOf = (at) => data.rows[at][NAME];

// Lines of a value: none, one, or one for each item of a list; what the page left out is said.
function linesOf(value) {
  if (value === null) return [];
  if (Array.isArray(value)) return value.flatMap(linesOf);
  if (typeof value === "object") return value.text === undefined ? [number.format(value[CUT]) + " more in run.json"] : [value.text + " \u2026 (" + number.format(value[CUT]) + " characters more in run.json)"];
  return [String(value)];
}
function briefly(value) {
  const lines = linesOf(value);
  return lines.length === 0 ? "(none)" : lines.length === 1 ? lines[0] : lines[0] + " and " + number.format(lines.length - 1) + " more";
}
function whatOf(at) {
  const row = data.rows[at], attribute = textOf(row[ATTRIBUTE]);
  return (row[UNDO] ? "undo: " : "") + textOf(row[ACTION]) + (attribute === null ? "" : " " + attribute);
}

function lowerOf(at) {
  if (data.lower[at] === undefined) {
    const row = data.rows[at];
    const parts = [row[NAME], row[OBJECT], whatOf(at), textOf(row[STEP]), textOf(row[SERVER]), row[DETAIL], ...linesOf(row[OLD]), ...linesOf(row[NEW])];
    data.lower[at] = parts.filter((part) => part !== null).join("\n").toLowerCase();
  }
  return data.lower[at];
}

// The rows that fit the filters, in the wanted order.
function* selectRows(filters) {
  const terms = [];
  for (const [, phrase, word] of filters.q.toLowerCase().matchAll(/"([^"]*)"?|(\S+)/g)) if (phrase || word) terms.push(phrase || word);
  const wanted = filters.state ? STATES.indexOf(filters.state) : -1;
  const length = data.rows.length, found = [];
  for (let at = 0; at < length; at++) {
    const row = data.rows[at];
    if (
      (wanted < 0 || row[STATE] === wanted) &&
      (!filters.action || textOf(row[ACTION]) === filters.action) &&
      (!filters.step || textOf(row[STEP]) === filters.step) &&
      (!filters.of || (filters.of === "rollback") === Boolean(row[UNDO])) &&
      terms.every((term) => lowerOf(at).includes(term))
    ) found.push(at);
    if (at % 2000 === 1999) yield;
  }
  return sorted(found, filters.sort);
}

// Rows come in the order in which they were meant. Ties keep that order.
function sorted(found, sort) {
  const column = sort.replace("-", ""), sign = sort.startsWith("-") ? -1 : 1;
  if (!column || column === "time") return sign < 0 ? found.reverse() : found;
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const keys = { name: nameOf, state: (at) => data.rows[at][STATE], step: (at) => textOf(data.rows[at][STEP]) };
  const rows = found.map((at) => [keys[column](at), at]);
  rows.sort(([a, x], [b, y]) => sign * (typeof a === "number" ? a - b : collator.compare(a, b)) || x - y);
  return rows.map(([, at]) => at);
}

// The row that a shared link names: by its number.
function findRows(text, from) {
  const found = [];
  for (let at = from || 0; at < data.rows.length; at++) if (String(data.rows[at][NUMBER]) === text) found.push(at);
  return found;
}
const linkOf = (at) => String(data.rows[at][NUMBER]);
