// The page itself: what the address says, what the controls say, and the order in which the rows arrive.

const state = { state: "", action: "", step: "", of: "", q: "", sort: "", row: "" };
const KEYS = Object.keys(state), FILTERS = ["q", "state", "action", "step", "of"];
const controls = { q: byId("q"), state: byId("f-state"), action: byId("f-action"), step: byId("f-step"), of: byId("f-of"), sort: byId("f-sort") };
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
  state.state = STATES.includes(next.state) ? next.state : "";
  state.action = next.action || "";
  state.step = meta.steps.some(([id]) => id === next.step) ? next.step : "";
  state.of = ["cutover", "rollback"].includes(next.of) ? next.of : "";
  state.q = next.q || "";
  state.sort = /^-?(name|time|state|step)$/.test(next.sort) ? next.sort : "";
  pending = next.row || "";
  notice = "";
  if (!pending && view.opened >= 0) hideDetail();
  showControls();
  refresh();
  openPending(0);
  if (jump) byId("writes").scrollIntoView();
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
    notice = "Write " + visible(pending) + " is not in this page; run.json lists every one. ";
    pending = "";
    say();
  }
}

// Actions as they arrive; one that an address names stands there before its rows do.
function listActions() {
  const known = new Set([...controls.action.options].map((option) => option.value));
  for (const action of [...data.actions].map(textOf).concat(state.action || [])) {
    if (!known.has(action)) {
      known.add(action);
      controls.action.append(el("option", { value: action }, visible(action)));
    }
  }
}

function showControls() {
  listActions();
  for (const key of FILTERS) controls[key].value = state[key];
  controls.sort.value = state.sort === "time" ? "" : state.sort;
  for (const head of grid.querySelectorAll("[data-sort]")) {
    const column = state.sort.replace("-", "") || "time";
    if (head.dataset.sort === column) head.setAttribute("aria-sort", state.sort.startsWith("-") ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
  byId("clear").disabled = defaults();
}

function say() {
  const all = data.rows.length;
  const text = data.loaded
    ? number.format(view.length) + " of " + plural(all, "write", "writes")
    : number.format(all) + " of " + number.format(meta.rows) + " writes read so far";
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
    const column = head.dataset.sort, now = state.sort || "time";
    const next = now.replace("-", "") === column && !now.startsWith("-") ? "-" + column : column;
    sortBy(next === "time" ? "" : next);
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
  const cut = view.length > rows.length ? " Only the first " + number.format(rows.length) + " are printed; run.json has all of them." : "";
  byId("printed").replaceChildren(
    el("p", {}, plural(view.length, "write", "writes") + "." + cut),
    el("table", {},
      el("thead", {}, el("tr", {}, ...["State", "Object", "What", "Meant (UTC)", "Answered by"].map((text) => el("th", { scope: "col" }, text)))),
      el("tbody", {}, ...rows.map((at) => {
        const row = data.rows[at], server = textOf(row[SERVER]);
        return el("tr", {},
          el("td", {}, STATE_WORDS[row[STATE]]),
          el("td", {}, bdi(row[NAME] || "(no name)"), el("br"), code(row[OBJECT])),
          el("td", {}, bdi(whatOf(at) + ": " + briefly(row[OLD]) + " \u2192 " + briefly(row[NEW]))),
          el("td", {}, row[MEANT]), el("td", {}, server === null ? "" : bdi(server)));
      }))));
}
addEventListener("beforeprint", printTable);
addEventListener("afterprint", () => byId("printed").replaceChildren());

// Blocks are read as the parser delivers them. A block is whole once something stands behind it.
let behind = false;
let refreshed = 0;
function readBlocks() {
  behind = false;
  const block = document.querySelector("script.rows");
  const whole = block && (block.nextElementSibling || document.readyState !== "loading");
  if (whole) {
    const before = data.rows.length;
    addBlock(block.textContent);
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
for (const [id, title] of meta.steps) controls.step.append(el("option", { value: id }, visible(id + " " + title)));
byId("explorer").hidden = meta.rows === 0;
measure();
followAddress(true);
showControls();
say();
