// One line of the table, and the detail of one row with its columns side by side.

const SIGNS = { "+": "plus", "-": "minus", "?": "maybe", "·": "quietly" };

function fill(node, position) {
  const at = rowAt(position), row = data.rows[at], name = nameOf(at), dn = dnOf(at);
  node.id = "row-" + position;
  node.dataset.position = position;
  node.setAttribute("aria-rowindex", position + 2);
  node.style.transform = "translateY(" + position * rowHeight + "px)";
  const [action, label, path, members, changes] = node.children;
  action.replaceChildren(tag(SEVERITIES[row[0]], visible(actionOf(at))));
  label.replaceChildren(name === null ? el("span", { className: "none" }, "no name") : bdi(name));
  label.title = name === null ? "" : visible(name);
  path.replaceChildren(dn === null ? el("span", { className: "none" }, "not in AD") : bdi(dn));
  path.title = dn === null ? "" : visible(dn);
  const [plus, minus, maybe] = row[COUNTS];
  const part = (n, sign, className) => (n ? el("span", { className }, sign + number.format(n)) : null);
  const parts = [part(plus, "+", "plus"), part(minus, "\u2212", "minus"), part(maybe, "?", "maybe")].filter(Boolean);
  members.replaceChildren(...(parts.length ? parts : [el("span", { className: "none" }, "\u2013")]));
  const words = row[CHANGES].map((change) => visible(textOf(change)));
  changes.replaceChildren(el("span", { className: "ids" }, words.join(", ") || (row[DEPENDS].length ? "depends" : "unchanged")));
  changes.title = words.join(", ");
  mark(node, position);
}

// A cell of the side-by-side table; a DN or an id may break behind each comma.
function cell(value, column, className) {
  return el("td", { className: className || "", "data-column": column }, value === null || value === undefined ? el("span", { className: "none" }, "\u2013") : code(value));
}

function sideBySide(row) {
  const columns = meta.columns;
  const lines = row[ATTRIBUTES].map(([name, a, b, c, state, reason]) => {
    const after = c === 0 ? a : c;
    const why = reason === undefined ? null : el("span", { className: "why" }, visible(textOf(reason)));
    const [gone, come] = { 1: [a === null ? "" : "gone", "come"], 2: ["", "open"], 3: ["", "gone"], 4: ["", "open"] }[state] || ["same", "same"];
    const last = state === 2 && after === null ? el("td", { className: "open", "data-column": columns[columns.length - 1] }, "unknown") : cell(after, columns[columns.length - 1], come);
    if (why) last.append(why);
    return el("tr", {}, el("th", { scope: "row" }, visible(textOf(name))), cell(a, columns[0], gone), meta.forecast ? cell(b, columns[1], "same") : null, last);
  });
  if (lines.length === 0) return null;
  return el("table", { className: "side" },
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Attribute"), ...columns.map((text) => el("th", { scope: "col" }, text)))),
    el("tbody", {}, ...lines));
}

function section([title, sign, count, items]) {
  const mark = textOf(sign), className = SIGNS[mark] || "";
  const item = ([text, reason]) => el("li", {}, el("span", { className: "sign " + className, "aria-hidden": "true" }, mark), code(text),
    reason === undefined ? null : el("span", { className: "why" }, " " + visible(textOf(reason))));
  const OPEN = 12, first = items.slice(0, OPEN), rest = items.slice(OPEN);
  const node = el("div", { className: "section" }, el("h4", { className }, visible(textOf(title)) + " (" + number.format(count) + ")"), el("ul", {}, ...first.map(item)));
  if (rest.length) {
    const fold = el("details", { className: "fold" }, el("summary", {}, number.format(rest.length) + " more"));
    fold.addEventListener("toggle", () => fold.append(el("ul", {}, ...rest.map(item))), { once: true });
    node.append(fold);
  }
  if (count > items.length) node.append(el("p", { className: "quietly" }, number.format(count - items.length) + " more in diff.json"));
  return node;
}

const said = (note) => el("p", { className: "said", dir: "auto" }, visible(textOf(note)));

function fillDetail(at) {
  const row = data.rows[at], name = nameOf(at), link = linkOf(at);
  const close = el("button", { type: "button", className: "quiet close" }, "Close");
  close.addEventListener("click", () => closeGroup());
  const depends = row[DEPENDS].map((point) => textOf(point));
  detail.replaceChildren(
    el("div", { className: "detail-top" },
      el("h3", { id: "detail-h", tabIndex: -1 }, name === null ? el("span", { className: "none" }, "No name") : bdi(name)), close),
    el("p", { className: "tags" }, tag(SEVERITIES[row[0]], visible(actionOf(at))), depends.length ? tag("unknown", "depends on " + depends.join(", ")) : null),
    ...row[NOTES].slice(0, 1).map(said),
    sideBySide(row) || "",
    ...row[SECTIONS].map(section),
    ...(row[NOTES].length > 1 ? [el("div", { className: "section" }, el("h4", {}, "To know"), ...row[NOTES].slice(1).map(said))] : []),
    el("dl", { className: "pairs" },
      ...(dnOf(at) === null ? [] : idRow("DN", dnOf(at))),
      ...(row[ID] === null ? [] : idRow("Object id", row[ID])), ...(row[GUID] === null ? [] : idRow("objectGUID", row[GUID])), ...(row[SID] === null ? [] : idRow("SID", row[SID])),
      ...(row[ACCESS] === null ? [] : [el("dt", {}, "Effective"), el("dd", {}, plural(row[ACCESS][0], "person", "people") + " today, " + number.format(row[ACCESS][1]) + " afterwards, nesting counted")]),
      ...(link === null ? [] : [el("dt", {}, "Link"), el("dd", {}, el("a", { href: "#row=" + encodePart(link) }, "to this row"), copyButton("link", location.href.split("#")[0] + "#row=" + encodePart(link)))])));
  detail.scrollTop = 0;
}
