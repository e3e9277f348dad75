// The page itself: what the address says, what the controls say, and the order in which the rows arrive.

const state = { verdict: [], rule: "", severity: "", status: "", q: "", sort: "", group: "" };
const KEYS = Object.keys(state);
const controls = {
  q: byId("q"), rule: byId("f-rule"), severity: byId("f-severity"), status: byId("f-status"), sort: byId("f-sort"),
  verdict: [...document.querySelectorAll("input[name=verdict]")],
};
const defaults = () => state.verdict.length === 0 && !state.rule && !state.severity && !state.status && !state.q.trim();
const published = () => defaults() && (state.sort === "" || state.sort === "dn");
let pendingGroup = ""; // a group that the address names and that has not arrived yet
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
  state.group = view.opened >= 0 ? linkOf(view.opened) || "" : pendingGroup;
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
  state.verdict = (next.verdict || "").split(",").filter((name) => VERDICTS.includes(name));
  state.rule = rules.some((rule) => rule.id === next.rule) ? next.rule : "";
  state.severity = SEVERITIES.includes(next.severity) ? next.severity : "";
  state.status = ["found", "unknown"].includes(next.status) ? next.status : "";
  state.q = next.q || "";
  state.sort = /^-?(name|dn|verdict|members|severity)$/.test(next.sort) ? next.sort : "";
  showControls();
  pendingGroup = next.group || "";
  notice = "";
  if (!pendingGroup && view.opened >= 0) hideDetail();
  refresh();
  openPending(0);
  if (jump) byId("groups").scrollIntoView();
}

// Opens the group of the address once its row is there; `from` is the first row not looked at yet.
function openPending(from) {
  if (!pendingGroup) return;
  const found = findRows(pendingGroup, from);
  if (found.length) {
    pendingGroup = "";
    openGroup(found[0], false);
    const position = positionOf(found[0]);
    if (position >= 0) activate(position);
    if (found.length > 1) {
      notice = plural(found.length, "group carries", "groups carry") + " this id; the first is open. ";
      say();
    }
  } else if (data.loaded) {
    notice = "The group " + visible(pendingGroup) + " is not in this page" + (meta.rows < meta.groups ? "; assessment.csv lists every group. " : ". ");
    pendingGroup = "";
    say();
  }
}

function showControls() {
  for (const key of ["q", "rule", "severity", "status"]) controls[key].value = state[key];
  controls.sort.value = state.sort === "dn" ? "" : state.sort;
  for (const box of controls.verdict) box.checked = state.verdict.includes(box.value);
  for (const head of grid.querySelectorAll("[data-sort]")) {
    const column = state.sort.replace("-", "") || "dn";
    if (head.dataset.sort === column) head.setAttribute("aria-sort", state.sort.startsWith("-") ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
  byId("clear").disabled = defaults();
}

function say() {
  const all = data.rows.length;
  let text = defaults() ? plural(all, "group", "groups") : number.format(view.length) + " of " + plural(all, "group", "groups");
  if (!data.loaded) text = number.format(all) + " of " + number.format(meta.rows) + " groups read so far";
  byId("count").setAttribute("aria-busy", String(!data.loaded));
  byId("count").textContent = notice + text;
}

function refresh(keepPlace) {
  const done = (order) => {
    show(order, keepPlace);
    say();
  };
  if (published()) {
    lanes.select = null;
    done(null);
  } else {
    run("select", selectRows({ ...state, verdict: [...state.verdict] }), done, data.loaded ? 12 : 6);
  }
}

function changed() {
  notice = "";
  state.verdict = controls.verdict.filter((box) => box.checked).map((box) => box.value);
  for (const key of ["q", "rule", "severity", "status"]) state[key] = controls[key].value;
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

for (const rule of rules) {
  if (rule.groups > 0) controls.rule.append(el("option", { value: rule.id }, rule.id + " " + visible(rule.title)));
}
controls.q.addEventListener("input", changed);
byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("filters").addEventListener("change", (event) => {
  if (event.target === controls.sort) sortBy(controls.sort.value);
  else if (event.target !== controls.q) changed();
});
byId("clear").addEventListener("click", () => {
  for (const key of ["q", "rule", "severity", "status"]) controls[key].value = "";
  for (const box of controls.verdict) box.checked = false;
  changed();
  controls.q.focus();
});
grid.addEventListener("scroll", drawSoon, { passive: true });
grid.addEventListener("click", (event) => {
  const head = event.target.closest("[data-sort]");
  if (head) {
    const column = head.dataset.sort, now = state.sort || "dn";
    // Members and severity are asked for from the top first.
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
// A rule's text lies under a detail that covers the page; the way back is the browser's own.
detail.addEventListener("click", (event) => {
  if (event.target.closest("a[href^='#about-']") && detail.matches(":modal")) hideDetail();
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

// The theme is kept by this page only while it is open.
const THEMES = ["automatic", "light", "dark"];
let theme = 0;
byId("theme").hidden = false;
byId("theme").addEventListener("click", () => {
  theme = (theme + 1) % THEMES.length;
  byId("theme").lastElementChild.textContent = THEMES[theme];
  if (theme === 0) delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = THEMES[theme];
});

// Paper gets a plain table of the filtered groups that need attention.
function printTable() {
  const rows = [];
  let wanted = 0;
  for (let position = 0; position < view.length; position++) {
    const at = rowAt(position);
    if (isNotable(at) && ++wanted <= meta.printRows) rows.push(at);
  }
  const filtered = defaults() ? "" : " The filters of the page are applied.";
  const cut = wanted > rows.length ? " Only the first " + number.format(rows.length) + " are printed; assessment.csv has all of them." : "";
  const part = data.loaded ? "" : " The page was still reading its groups, so this list is not whole.";
  byId("printed").replaceChildren(
    el("p", {}, plural(wanted, "group needs", "groups need") + " attention." + filtered + cut + part),
    el("table", {},
      el("thead", {}, el("tr", {}, ...["Verdict", "Group", "Members", "Findings"].map((text) => el("th", { scope: "col" }, text)))),
      el("tbody", {}, ...rows.map((at) =>
        el("tr", {},
          el("td", {}, VERDICTS[data.verdict[at]]),
          el("td", {}, bdi(nameOf(at) || "(no display name)"), el("br"), code(dnOf(at) || "not in AD")),
          el("td", { className: "num" }, number.format(data.members[at])),
          el("td", {}, ...findingsOf(at).map((finding) =>
            el("p", { dir: "auto" }, el("strong", {}, finding.rule.id + " " + SEVERITIES[finding.severity] + (finding.unknown ? ", unknown" : "") + ". "), visible(finding.message)))))))));
}
addEventListener("beforeprint", printTable);
addEventListener("afterprint", () => byId("printed").replaceChildren());

// Blocks are read as the parser delivers them. A block is whole once something stands behind it.
let behind = false; // whether a slice of reading is already on its way
let refreshed = 0;
function readBlocks() {
  behind = false;
  const block = document.querySelector("script.rows");
  const whole = block && (block.nextElementSibling || document.readyState !== "loading");
  if (whole) {
    const before = data.rows.length;
    addBlock(block.textContent);
    block.remove();
    if (published()) refresh(before > 0);
    else if (performance.now() - refreshed > 500 && !lanes.select) {
      refreshed = performance.now();
      refresh(true);
    }
    say();
    openPending(before);
    readSoon();
  } else if (byId("end") || document.readyState !== "loading") {
    watcher.disconnect();
    data.loaded = true;
    refresh(true);
    openPending(data.rows.length);
    // Whatever a search or a sort will want is made ready while nobody waits.
    run("prepare", (function* () { yield* prepareSearch(); yield* nameRanks(); })(), null, 6);
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
