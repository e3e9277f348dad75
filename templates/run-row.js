// One line of the table, and the detail of one write with what stood before and after it side by side.

const stateTag = (row) => tag(STATE_ICONS[row[STATE]], STATE_WORDS[row[STATE]]);

function fill(node, position) {
  const at = rowAt(position), row = data.rows[at], name = nameOf(at), server = textOf(row[SERVER]);
  node.id = "row-" + position;
  node.dataset.position = position;
  node.setAttribute("aria-rowindex", position + 2);
  node.style.transform = "translateY(" + position * rowHeight + "px)";
  const [state, label, what, when, where] = node.children;
  state.replaceChildren(stateTag(row));
  label.replaceChildren(name === "" ? el("span", { className: "none" }, "no name") : bdi(name));
  label.title = visible(name);
  const text = visible(whatOf(at) + ": " + briefly(row[OLD]) + " \u2192 " + briefly(row[NEW]));
  what.replaceChildren(bdi(text));
  what.title = text.slice(0, 400);
  when.replaceChildren(row[MEANT]);
  where.replaceChildren(el("span", { className: "ids" }, textOf(row[STEP]) + (server === null ? "" : ", " + visible(server))));
  mark(node, position);
}

function valueCell(value, column, className) {
  const lines = linesOf(value);
  return el("td", { className, "data-column": column }, lines.length === 0 ? el("span", { className: "none" }, "none") : el("bdi", { className: "code value", dir: "auto" }, lines.map(visible).join("\n")));
}

function fillDetail(at) {
  const row = data.rows[at], name = nameOf(at), step = textOf(row[STEP]), server = textOf(row[SERVER]);
  const close = el("button", { type: "button", className: "quiet close" }, "Close");
  close.addEventListener("click", () => closeGroup());
  const title = (meta.steps.find(([id]) => id === step) || [])[1];
  const fact = (label, text) => (text === null || text === undefined || text === "" ? [] : [el("dt", {}, label), el("dd", {}, bdi(String(text)))]);
  detail.replaceChildren(
    el("div", { className: "detail-top" },
      el("h3", { id: "detail-h", tabIndex: -1 }, name === "" ? el("span", { className: "none" }, "No name") : bdi(name)), close),
    el("p", { className: "tags" }, stateTag(row), el("span", { className: "tag" }, visible(whatOf(at)))),
    row[DETAIL] === null ? "" : el("p", { className: "said", dir: "auto" }, visible(row[DETAIL])),
    el("table", { className: "side" },
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, ""), el("th", { scope: "col" }, "Before"), el("th", { scope: "col" }, "After"))),
      el("tbody", {}, el("tr", {}, el("th", { scope: "row" }, visible(textOf(row[ATTRIBUTE]) || "value")),
        valueCell(row[OLD], "Before", row[OLD] === null ? "" : "gone"), valueCell(row[NEW], "After", row[NEW] === null ? "" : "come")))),
    el("dl", { className: "pairs" },
      ...fact("Write", row[NUMBER]),
      ...fact("Step", step + (title ? " " + title : "")),
      ...(row[OBJECT] === "" ? [] : idRow("Object", row[OBJECT])),
      ...fact("Meant", row[MEANT] + " UTC"),
      ...fact("Settled", row[SETTLED] === null ? "not yet" : row[SETTLED] + " UTC"),
      ...fact("Answered by", server),
      ...fact("Takes back", row[UNDOES] === null ? null : "write " + row[UNDOES]),
      ...fact("Snapshot", row[SNAPSHOT]),
      el("dt", {}, "Link"), el("dd", {}, el("a", { href: "#row=" + linkOf(at) }, "to this write"), copyButton("link", location.href.split("#")[0] + "#row=" + linkOf(at)))));
  detail.scrollTop = 0;
}
