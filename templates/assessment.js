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

