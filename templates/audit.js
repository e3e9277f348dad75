// The page itself: what the address says, what the controls say, and the order in which the rows arrive.

const state = { show: "", check: "", state: "", severity: "", q: "", sort: "", row: "" };
const KEYS = Object.keys(state), FILTERS = ["q", "show", "check", "severity", "state"];
const controls = { q: byId("q"), show: byId("f-show"), check: byId("f-check"), severity: byId("f-severity"), state: byId("f-state"), sort: byId("f-sort") };
const defaults = () => FILTERS.every((key) => !state[key].trim());
let pending = ""; // a row that the address names and that has not arrived yet
let notice = "";

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
  state.row = view.opened >= 0 ? linkOf(view.opened) || "" : pending;
  const parts = KEYS.filter((key) => state[key].length).map((key) => key + "=" + encodePart(state[key]));
  try {
    history.replaceState(null, "", "#" + parts.join("&"));
  } catch {
    // A browser may refuse this for a file, or too often; then the address stays as it was.
  }
}

function followAddress(jump) {
  const next = readAddress();
  if (!next) return;
  state.show = ["all", "unknown"].includes(next.show) ? next.show : "";
  state.check = checkNumbers.has(next.check) ? next.check : "";
  state.state = ["new", "unchanged"].includes(next.state) ? next.state : "";
  state.severity = SEVERITIES.includes(next.severity) ? next.severity : "";
  state.q = next.q || "";
  state.sort = /^-?(name|dn|verdict|members|severity)$/.test(next.sort) ? next.sort : "";
  pending = next.row || "";
  notice = "";
  if (!pending && view.opened >= 0) hideDetail();
  showControls();
  refresh();
  openPending(0);
  if (jump) byId("groups").scrollIntoView();
}

// Opens the row of the address once it is there; `from` is the first row not looked at yet.
function openPending(from) {
  if (!pending) return;
  const found = findRows(pending, from);
  if (found.length) {
    pending = "";
    openGroup(found[0], false);
    const position = positionOf(found[0]);
    if (position >= 0) activate(position);
  } else if (data.loaded) {
    notice = "The row " + visible(pending) + " is not in this page; audit.json lists every one. ";
    pending = "";
    say();
  }
}

function showControls() {
  for (const key of FILTERS) controls[key].value = state[key];
  controls.sort.value = state.sort === "dn" ? "" : state.sort;
  for (const head of grid.querySelectorAll("[data-sort]")) {
    const column = state.sort.replace("-", "") || "dn";
    if (head.dataset.sort === column) head.setAttribute("aria-sort", state.sort.startsWith("-") ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
  byId("clear").disabled = defaults();
}

function say() {
  const all = data.rows.length;
  const rest = { "": "; the others pass, are not known, or do not fit the filters", unknown: "; what is not known" }[state.show] || "";
  const text = data.loaded
    ? number.format(view.length) + " of " + plural(all, "row", "rows") + rest
    : number.format(all) + " of " + number.format(meta.rows) + " rows read so far";
  byId("count").setAttribute("aria-busy", String(!data.loaded));
  byId("count").textContent = notice + text;
}

function refresh(keepPlace) {
  run("select", selectRows({ ...state }), (order) => {
    show(order, keepPlace);
    say();
  }, data.loaded ? 12 : 6);
}

function changed() {
  notice = "";
  for (const key of FILTERS) state[key] = controls[key].value;
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
  changed();
  controls.q.focus();
});
grid.addEventListener("scroll", drawSoon, { passive: true });
grid.addEventListener("click", (event) => {
  const head = event.target.closest("[data-sort]");
  if (head) {
    const column = head.dataset.sort, now = state.sort || "dn";
    const first = column === "members" || column === "severity" ? "-" : "";
    const next = now.replace("-", "") === column ? (now.startsWith("-") ? column : "-" + column) : first + column;
    sortBy(next === "dn" ? "" : next);
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

// Paper has no virtual rows: a plain table of what is shown, up to a limit.
function printTable() {
  const rows = [];
  for (let position = 0; position < Math.min(view.length, meta.printRows); position++) rows.push(rowAt(position));
  const cut = view.length > rows.length ? " Only the first " + number.format(rows.length) + " are printed; audit.csv has all of them." : "";
  byId("printed").replaceChildren(
    el("p", {}, plural(view.length, "row", "rows") + "." + cut),
    el("table", {},
      el("thead", {}, el("tr", {}, ...["Worst", "Name", "Checks", "What"].map((text) => el("th", { scope: "col" }, text)))),
      el("tbody", {}, ...rows.map((at) => el("tr", {},
        el("td", {}, data.worst[at] >= 0 ? SEVERITIES[data.worst[at]] : data.rows[at][UNKNOWN].length ? "not known" : "pass"),
        el("td", {}, bdi(nameOf(at) || "(no name)"), el("br"), code(dnOf(at) || "not in AD")),
        el("td", {}, idsOf(data.rows[at][FAILED])),
        el("td", {}, ...failuresOf(at).slice(0, 3).map((failure) => el("p", { dir: "auto" }, visible(textOf(failure[MESSAGE]))))))))));
}
addEventListener("beforeprint", printTable);
addEventListener("afterprint", () => byId("printed").replaceChildren());

// Blocks are read as the parser delivers them. A block is whole once something stands behind it.
let behind = false;
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
    if (before === 0 || (performance.now() - refreshed > 500 && !lanes.select)) {
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
    // A group that the address names may have been opened before its failures came.
    if (view.opened >= 0) fillDetail(view.opened);
    refresh(true);
    openPending(data.rows.length);
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
byId("explorer").hidden = false;
measure();
followAddress(true);
showControls();
say();
