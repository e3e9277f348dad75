const leftOut = (n) => el("span", { className: "none" }, number.format(n) + " more in " + FULL);

// Evidence of any shape: objects as pairs, lists open at first and folded beyond, cut parts named as cut.
function showValue(value) {
  if (value === null) return el("span", { className: "none" }, "(none)");
  if (value === true) return document.createTextNode("yes");
  if (value === false) return document.createTextNode("no");
  if (typeof value === "number") return document.createTextNode(String(value));
  if (typeof value === "string") return value === "" ? el("span", { className: "none" }, "(empty)") : code(value);
  if (Array.isArray(value)) return showList(value);
  if (CUT in value && "text" in value) return el("span", {}, code(value.text), " … ", el("span", { className: "none" }, number.format(value[CUT]) + " more characters in " + FULL));
  if (CUT in value && Object.keys(value).length === 1) return leftOut(value[CUT]);
  return showPairs(Object.entries(value));
}

function showList(items) {
  if (items.length === 0) return el("span", { className: "none" }, "(empty list)");
  const item = (value) => el("li", {}, showValue(value));
  const open = items.length > LIST_START + 2 ? items.slice(0, LIST_START) : items;
  const list = el("ul", {}, ...open.map(item));
  if (open.length === items.length) return list;
  const rest = items.slice(LIST_START);
  const fold = el("details", { className: "fold" }, el("summary", {}, number.format(rest.length) + " more"));
  // Folded items become elements only when somebody looks.
  fold.addEventListener("toggle", () => fold.append(el("ul", {}, ...rest.map(item))), { once: true });
  return el("div", {}, list, fold);
}

function showPairs(pairs) {
  return el("dl", { className: "facts" }, ...pairs.map(([key, value]) =>
    key === CUT
      ? el("div", {}, el("dt", {}, "…"), el("dd", {}, value === 0 ? el("span", { className: "none" }, "left out of this page to keep it small; " + FULL + " has it") : leftOut(value)))
      : el("div", {}, el("dt", {}, visible(key)), el("dd", {}, showValue(value)))));
}

