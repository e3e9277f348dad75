// A page about a table, whatever its rows are: the address, the filters, the keys, print, and the rows as they arrive.
// What differs from page to page stands before this: `state`, `controls` (one for each filter, and `sort`), and `page`.

const KEYS = Object.keys(state);
const FILTERS = Object.keys(controls).filter((key) => key !== "sort");
const defaults = () => KEYS.every((key) => key === "sort" || key === page.row || !String(state[key]).trim());
let pending = ""; // a row that the address names and that has not arrived yet
let notice = "";

// The address: `#verdict=fix,review&rule=C28&group=…`. A DN stays readable in it.
function encodePart(text) {
  return encodeURIComponent(text).replace(/%(2C|3D|3A|40)/gi, decodeURIComponent);
}
function readAddress() {
  const next = {};
  for (const part of location.hash.slice(1).split("&")) {
    const at = part.indexOf("=");
    if (at < 0 || !KEYS.includes(part.slice(0, at))) continue;
    try {
      next[part.slice(0, at)] = decodeURIComponent(part.slice(at + 1));
    } catch {
      next[part.slice(0, at)] = part.slice(at + 1);
    }
  }
  return Object.keys(next).length ? next : null;
}
function rememberState() {
  state[page.row] = view.opened >= 0 ? linkOf(view.opened) || "" : pending;
  const parts = KEYS.filter((key) => state[key].length).map((key) => key + "=" + encodePart(String(state[key])));
  try {
    history.replaceState(null, "", "#" + parts.join("&"));
  } catch {
    // A browser may refuse this for a file, or too often; then the address stays as it was.
  }
}

function followAddress(jump) {
  const next = readAddress();
  if (!next) return;
  page.follow(next);
  state.q = next.q || "";
  state.sort = page.columns.includes((next.sort || "").replace(/^-/, "")) ? next.sort : "";
  showControls();
  pending = next[page.row] || "";
  notice = "";
  if (!pending && view.opened >= 0) hideDetail();
  refresh();
  openPending(0);
  if (jump) byId(page.section).scrollIntoView();
}

// Opens the row of the address once it is there; `from` is the first row not looked at yet.
function openPending(from) {
  if (!pending) return;
  const found = findRows(pending, from);
  if (found.length) {
    const text = pending;
    pending = "";
    openGroup(found[0], false);
    const position = positionOf(found[0]);
    if (position >= 0) activate(position);
    if (found.length > 1 && page.several) {
      notice = page.several(found.length, text);
      say();
    }
  } else if (data.loaded) {
    notice = page.missing(visible(pending));
    pending = "";
    say();
  }
}

function showControls() {
  page.offer?.();
  for (const key of FILTERS) controls[key].value = state[key];
  controls.sort.value = state.sort === page.sort ? "" : state.sort;
  for (const head of grid.querySelectorAll("[data-sort]")) {
    const column = state.sort.replace("-", "") || page.sort;
    if (head.dataset.sort === column) head.setAttribute("aria-sort", state.sort.startsWith("-") ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
  byId("clear").disabled = defaults();
}

// Fills a list of choices as its values arrive; one that the address names stands there before its rows do.
function offer(list, values) {
  const known = new Set([...list.options].map((option) => option.value));
  for (const value of values) {
    if (!known.has(value)) {
      known.add(value);
      list.append(el("option", { value }, visible(value)));
    }
  }
}

function say() {
  byId("count").setAttribute("aria-busy", String(!data.loaded));
  byId("count").textContent = notice + page.said(data.rows.length);
}

function refresh(keepPlace) {
  const done = (order) => {
    show(order, keepPlace);
    say();
  };
  if (page.published?.()) {
    lanes.select = null;
    done(null);
  } else {
    run("select", selectRows(structuredClone(state)), done, data.loaded ? 12 : 6);
  }
}

function changed() {
  notice = "";
  for (const key of FILTERS) state[key] = controls[key].value;
  page.take?.();
  showControls();
  refresh();
  clearTimeout(changed.timer);
  changed.timer = setTimeout(rememberState, 250);
}

function sortBy(sort) {
  state.sort = sort;
  showControls();
  refresh();
  rememberState();
}

controls.q.addEventListener("input", changed);
byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("filters").addEventListener("change", (event) => {
  if (event.target === controls.sort) sortBy(controls.sort.value);
  else if (event.target !== controls.q) changed();
});
byId("clear").addEventListener("click", () => {
  for (const key of FILTERS) controls[key].value = "";
  page.clear?.();
  changed();
  controls.q.focus();
});
grid.addEventListener("scroll", drawSoon, { passive: true });
grid.addEventListener("click", (event) => {
  const head = event.target.closest("[data-sort]");
  if (head) {
    const column = head.dataset.sort, now = state.sort || page.sort;
    // Numbers and severity are asked for from the top first.
    const first = column === "members" || column === "severity" ? "-" : "";
    const next = now.replace("-", "") === column ? (now.startsWith("-") ? column : "-" + column) : first + column;
    sortBy(next === page.sort ? "" : next);
    grid.focus({ preventScroll: true });
    return;
  }
  const row = event.target.closest("[data-position]");
  if (row && String(getSelection()) === "") {
    activate(Number(row.dataset.position));
    openGroup(rowAt(view.active), false);
  }
});
grid.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || view.length === 0) return;
  if ((event.key === "Enter" || event.key === " ") && event.target === grid) {
    openGroup(rowAt(view.active), true);
  } else if (moveByKey(event.key)) {
    if (view.opened >= 0 && !narrow.matches) openGroup(rowAt(view.active), false);
  } else {
    return;
  }
  event.preventDefault();
});
detail.addEventListener("cancel", (event) => {
  event.preventDefault();
  closeGroup();
});
document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey && !detail.matches(":modal")) {
    event.preventDefault();
    controls.q.focus();
    controls.q.select();
  } else if (event.key === "Escape" && event.target === controls.q) {
    if (controls.q.value === "") grid.focus();
  } else if (event.key === "Escape" && !typing && !detail.matches(":modal")) {
    closeGroup();
  } else if (event.key === "ArrowDown" && event.target === controls.q) {
    event.preventDefault();
    grid.focus();
  }
});
narrow.addEventListener("change", () => {
  if (view.opened >= 0) present();
});
addEventListener("resize", measure);
addEventListener("hashchange", () => followAddress(true));

addEventListener("beforeprint", () => page.print());
addEventListener("afterprint", () => byId("printed").replaceChildren());

// Paper has no virtual rows: a plain table, up to a limit.
function printTable(text, heads, rows, cells) {
  byId("printed").replaceChildren(
    el("p", {}, text),
    el("table", {},
      el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))),
      el("tbody", {}, ...rows.map((at) => el("tr", {}, ...cells(at))))));
}
// The rows shown, in their order, as a table of these columns.
function printShown(what, where, heads, cells) {
  const rows = [];
  for (let position = 0; position < Math.min(view.length, meta.printRows); position++) rows.push(rowAt(position));
  printTable(what(view.length) + "." + notPrinted(view.length, rows, where), heads, rows, cells);
}
function notPrinted(wanted, rows, where) {
  return wanted > rows.length ? " Only the first " + number.format(rows.length) + " are printed; " + where + " has all of them." : "";
}
const paperCell = (...content) => el("td", {}, ...content);
const paperNumber = (text) => el("td", { className: "num" }, text);
const paperObject = (name, where) => paperCell(bdi(name), el("br"), code(where));

// Blocks are read as the parser delivers them. A block is whole once something stands behind it.
let behind = false; // whether a slice of reading is already on its way
let refreshed = 0;
function readBlocks() {
  behind = false;
  const block = document.querySelector("script.rows, script.failures");
  const whole = block && (block.nextElementSibling || document.readyState !== "loading");
  if (whole) {
    const before = data.rows.length;
    if (block.classList.contains("rows")) addBlock(block.textContent);
    else addFailures(block.textContent);
    block.remove();
    if (page.published?.()) {
      refresh(before > 0);
    } else if (before === 0 || (performance.now() - refreshed > 500 && !lanes.select)) {
      refreshed = performance.now();
      refresh(true);
    }
    say();
    openPending(before);
    readSoon();
  } else if (byId("end") || document.readyState !== "loading") {
    watcher.disconnect();
    data.loaded = true;
    showControls();
    refresh(true);
    openPending(data.rows.length);
    page.loaded?.();
  }
}
function readSoon() {
  if (!behind) {
    behind = true;
    setTimeout(readBlocks, 0);
  }
}
const watcher = new MutationObserver(readSoon);
watcher.observe(document.body, { childList: true });
document.addEventListener("DOMContentLoaded", readSoon);

document.documentElement.classList.add("js");
byId("explorer").hidden = page.hidesEmpty === true && meta.rows === 0;
measure();
followAddress(true);
showControls();
say();
