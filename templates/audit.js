// What is this page's own: the filters, and what is said of the rows.

const state = { show: "", check: "", state: "", severity: "", q: "", sort: "", row: "" };
const controls = { q: byId("q"), show: byId("f-show"), check: byId("f-check"), severity: byId("f-severity"), state: byId("f-state"), sort: byId("f-sort") };

const page = {
  row: "row",
  section: "groups",
  sort: "dn",
  columns: ["name", "dn", "verdict", "members", "severity"],
  follow(next) {
    state.show = ["all", "unknown"].includes(next.show) ? next.show : "";
    state.check = checkNumbers.has(next.check) ? next.check : "";
    state.state = ["new", "unchanged"].includes(next.state) ? next.state : "";
    state.severity = SEVERITIES.includes(next.severity) ? next.severity : "";
  },
  missing: (row) => "The row " + row + " is not in this page; audit.json lists every one. ",
  said(all) {
    const rest = { "": "; the others pass, are not known, or do not fit the filters", unknown: "; what is not known" }[state.show] || "";
    return data.loaded
      ? number.format(view.length) + " of " + plural(all, "row", "rows") + rest
      : number.format(all) + " of " + number.format(meta.rows) + " rows read so far";
  },
  // A group that the address names may have been opened before its failures came.
  loaded() {
    if (view.opened >= 0) fillDetail(view.opened);
  },
  print() {
    printShown((n) => plural(n, "row", "rows"), "audit.csv", ["Worst", "Name", "Checks", "What"], (at) => [
      paperCell(data.worst[at] >= 0 ? SEVERITIES[data.worst[at]] : data.rows[at][UNKNOWN].length ? "not known" : "pass"),
      paperObject(nameOf(at) || "(no name)", dnOf(at) || "not in AD"),
      paperCell(idsOf(data.rows[at][FAILED])),
      paperCell(...failuresOf(at).slice(0, 3).map((failure) => el("p", { dir: "auto" }, visible(textOf(failure[MESSAGE]))))),
    ]);
  },
};
