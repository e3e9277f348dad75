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

