// What is this page's own: the filters, and what is said of the rows.

const state = { show: "", change: "", point: "", severity: "", q: "", sort: "", row: "" };
const controls = { q: byId("q"), show: byId("f-show"), change: byId("f-change"), point: byId("f-point"), severity: byId("f-severity"), sort: byId("f-sort") };

const page = {
  row: "row",
  section: "groups",
  sort: "dn",
  columns: ["name", "dn", "verdict", "members", "severity"],
  follow(next) {
    state.show = next.show === "all" ? "all" : "";
    state.change = next.change || "";
    state.point = next.point || "";
    state.severity = SEVERITIES.includes(next.severity) ? next.severity : "";
  },
  offer: () => offer(controls.change, [...data.changes].map(textOf).concat(state.change || [])),
  missing: (row) => "The row " + row + " is not in this page; diff.json lists every one. ",
  said: (all) => data.loaded
    ? number.format(view.length) + " of " + plural(all, "row", "rows") + (state.show === "all" ? "" : "; the others stay as they are or do not fit the filters")
    : number.format(all) + " of " + number.format(meta.rows) + " rows read so far",
  print() {
    printShown((n) => plural(n, "row", "rows"), "diff.csv", ["Action", "Name", "Members", "Changes"], (at) => {
      const [added, lost, perhaps] = data.rows[at][COUNTS];
      const changes = data.rows[at][CHANGES].map((change) => visible(textOf(change))).join(", ");
      return [
        paperCell(actionOf(at)),
        paperObject(nameOf(at) || "(no name)", dnOf(at) || "not in AD"),
        paperNumber("+" + added + " \u2212" + lost + " ?" + perhaps),
        paperCell(changes, ...data.rows[at][NOTES].slice(0, 2).map((note) => el("p", { dir: "auto" }, visible(textOf(note))))),
      ];
    });
  },
};
