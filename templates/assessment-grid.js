// The table of groups. Only the rows in sight are elements; they are reused while the table scrolls.

const SVG = "http://www.w3.org/2000/svg";
function el(tag, properties, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(properties || {})) {
    if (key in node) node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}
function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "ic");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", "#i-" + name);
  svg.append(use);
  return svg;
}
const tag = (name, text) => el("span", { className: "tag tag-" + name }, icon(name), text || name);
// Text of the directory: invisible characters written out, its direction kept to itself.
const bdi = (text, className) => el("bdi", { className: className || "", dir: "auto" }, visible(text));
// The same for a DN or an id, which may break behind each comma and nowhere else while there is room.
function code(text) {
  const node = bdi("", "code");
  visible(text).split(/(?<=,)/).forEach((part, at) => node.append(...(at ? [document.createElement("wbr"), part] : [part])));
  return node;
}

const OVERSCAN = 6;
const grid = byId("grid"), body = byId("body");
const view = {
  order: null, // rows in order; null stands for all rows as published
  length: 0,
  active: 0, // position of the row that the keys move
  opened: -1, // row that the detail shows
};
const rowAt = (position) => (view.order ? view.order[position] : position);
let rowHeight = 44;
let frame = 0;
const shown = new Map(); // position -> element
const spare = [];

function newRow() {
  const cell = (name) => el("div", { role: "gridcell", className: "c-" + name });
  const node = el("div", { role: "row", className: "row" }, cell("verdict"), cell("name"), cell("dn"), cell("members"), cell("findings"));
  body.append(node);
  return node;
}

function fill(node, position) {
  const at = rowAt(position), name = nameOf(at), dn = dnOf(at);
  node.id = "row-" + position;
  node.dataset.position = position;
  node.setAttribute("aria-rowindex", position + 2);
  node.style.transform = "translateY(" + position * rowHeight + "px)";
  const [verdict, label, path, members, findings] = node.children;
  verdict.replaceChildren(tag(VERDICTS[data.verdict[at]]));
  label.replaceChildren(name === null ? el("span", { className: "none" }, "no display name") : bdi(name));
  label.title = name === null ? "" : visible(name);
  path.replaceChildren(dn === null ? el("span", { className: "none" }, "not in AD") : bdi(dn));
  path.title = dn === null ? "" : visible(dn);
  members.replaceChildren(number.format(data.members[at]), el("span", { className: "unit" }, data.members[at] === 1 ? " member" : " members"));
  findings.replaceChildren(...findingsCell(at));
  mark(node, position);
}

function findingsCell(at) {
  if (data.worst[at] === 0) return [el("span", { className: "none" }, "none")];
  const worstFirst = [];
  for (let k = data.start[at]; k < data.start[at + 1]; k++) worstFirst.push(k);
  worstFirst.sort((a, b) => (data.grade[b] >> 1) - (data.grade[a] >> 1) || a - b);
  const ids = worstFirst.slice(0, 4).map((k) => visible(rules[data.rule[k]].id) + (data.grade[k] & 1 ? "?" : ""));
  const more = worstFirst.length - ids.length;
  return [
    tag(SEVERITIES[data.worst[at] - 1]),
    el("span", { className: "ids" }, ids.join(" ") + (more > 0 ? " +" + more : "")),
    el("span", { className: "sr" }, data.unknown[at] ? ", with something unknown" : ""),
  ];
}

function mark(node, position) {
  node.classList.toggle("active", position === view.active);
  const opened = rowAt(position) === view.opened;
  node.classList.toggle("opened", opened);
  node.setAttribute("aria-selected", String(opened));
}

function drawSoon() {
  if (!frame) frame = requestAnimationFrame(draw);
}

function draw() {
  frame = 0;
  const head = grid.firstElementChild.offsetHeight;
  const first = Math.max(0, Math.floor(grid.scrollTop / rowHeight) - OVERSCAN);
  const last = Math.min(view.length, Math.ceil((grid.scrollTop + grid.clientHeight - head) / rowHeight) + OVERSCAN);
  for (const [position, node] of shown) {
    if (position < first || position >= last) {
      shown.delete(position);
      spare.push(node);
    }
  }
  for (let position = first; position < last; position++) {
    if (!shown.has(position)) {
      const node = spare.pop() || newRow();
      fill(node, position);
      shown.set(position, node);
    }
  }
  for (const node of spare.splice(0)) node.remove();
  const active = shown.get(view.active);
  if (active) grid.setAttribute("aria-activedescendant", active.id);
  else grid.removeAttribute("aria-activedescendant");
}

function redraw() {
  for (const node of shown.values()) spare.push(node);
  shown.clear();
  drawSoon();
}

function measure() {
  const wanted = parseFloat(getComputedStyle(grid).getPropertyValue("--row")) || 44;
  if (wanted !== rowHeight) {
    const top = grid.scrollTop / rowHeight;
    rowHeight = wanted;
    body.style.height = view.length * rowHeight + "px";
    grid.scrollTop = top * rowHeight;
    redraw();
  } else {
    drawSoon();
  }
}

// Shows these rows. The active row stays on its group where that is still among them.
function show(order, keepPlace) {
  const was = view.length ? rowAt(Math.min(view.active, view.length - 1)) : -1;
  view.order = order;
  view.length = order ? order.length : data.rows.length;
  view.active = Math.max(0, keepPlace && was >= 0 ? positionOf(was) : view.opened >= 0 ? positionOf(view.opened) : 0);
  body.style.height = view.length * rowHeight + "px";
  grid.setAttribute("aria-rowcount", view.length + 1);
  byId("empty").hidden = view.length > 0 || !data.loaded;
  if (!keepPlace) {
    grid.scrollTop = 0;
    if (view.active > 0) reveal(view.active);
  }
  redraw();
}

const positionOf = (at) => (view.order ? view.order.indexOf(at) : at < view.length ? at : -1);

function reveal(position) {
  const head = grid.firstElementChild.offsetHeight, top = position * rowHeight;
  if (top < grid.scrollTop) grid.scrollTop = top;
  else if (top + rowHeight > grid.scrollTop + grid.clientHeight - head) {
    grid.scrollTop = top + rowHeight - (grid.clientHeight - head);
  }
}

function activate(position) {
  if (view.length === 0) return;
  const next = Math.max(0, Math.min(view.length - 1, position));
  const old = shown.get(view.active);
  view.active = next;
  reveal(next);
  draw();
  if (old) mark(old, Number(old.dataset.position));
  if (shown.has(next)) mark(shown.get(next), next);
}

function markAll() {
  for (const [position, node] of shown) mark(node, position);
}

// Returns whether the key was one of the table's own.
function moveByKey(key) {
  const page = Math.max(1, Math.floor((grid.clientHeight - grid.firstElementChild.offsetHeight) / rowHeight) - 1);
  const to = {
    ArrowDown: view.active + 1,
    ArrowUp: view.active - 1,
    Home: 0,
    End: view.length - 1,
    PageDown: view.active + page,
    PageUp: view.active - page,
  }[key];
  if (to === undefined) return false;
  activate(to);
  return true;
}
