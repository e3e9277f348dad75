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

