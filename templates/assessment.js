// What is this page's own: the filters, and what is said of the groups.

const state = { verdict: [], rule: "", severity: "", status: "", q: "", sort: "", group: "" };
const controls = { q: byId("q"), rule: byId("f-rule"), severity: byId("f-severity"), status: byId("f-status"), sort: byId("f-sort") };
const verdicts = [...document.querySelectorAll("input[name=verdict]")];
for (const rule of rules) {
  if (rule.groups > 0) controls.rule.append(el("option", { value: rule.id }, rule.id + " " + visible(rule.title)));
}

const page = {
  row: "group",
  section: "groups",
  sort: "dn",
  columns: ["name", "dn", "verdict", "members", "severity"],
  // Whether the rows are shown as they came.
  published: () => defaults() && (state.sort === "" || state.sort === "dn"),
  follow(next) {
    state.verdict = (next.verdict || "").split(",").filter((name) => VERDICTS.includes(name));
    state.rule = rules.some((rule) => rule.id === next.rule) ? next.rule : "";
    state.severity = SEVERITIES.includes(next.severity) ? next.severity : "";
    state.status = ["found", "unknown"].includes(next.status) ? next.status : "";
  },
  offer() {
    for (const box of verdicts) box.checked = state.verdict.includes(box.value);
  },
  take() {
    state.verdict = verdicts.filter((box) => box.checked).map((box) => box.value);
  },
  clear() {
    for (const box of verdicts) box.checked = false;
  },
  several: (found) => plural(found, "group carries", "groups carry") + " this id; the first is open. ",
  missing: (group) => "The group " + group + " is not in this page" + (meta.rows < meta.groups ? "; assessment.csv lists every group. " : ". "),
  said(all) {
    if (!data.loaded) return number.format(all) + " of " + number.format(meta.rows) + " groups read so far";
    return defaults() ? plural(all, "group", "groups") : number.format(view.length) + " of " + plural(all, "group", "groups");
  },
  // Whatever a search or a sort will want is made ready while nobody waits.
  loaded: () => run("prepare", (function* () { yield* prepareSearch(); yield* nameRanks(); })(), null, 6),
  // Paper gets the filtered groups that need attention.
  print() {
    const rows = [];
    let wanted = 0;
    for (let position = 0; position < view.length; position++) {
      const at = rowAt(position);
      if (isNotable(at) && ++wanted <= meta.printRows) rows.push(at);
    }
    const filtered = defaults() ? "" : " The filters of the page are applied.";
    const part = data.loaded ? "" : " The page was still reading its groups, so this list is not whole.";
    const text = plural(wanted, "group needs", "groups need") + " attention." + filtered + notPrinted(wanted, rows, "assessment.csv") + part;
    printTable(text, ["Verdict", "Group", "Members", "Findings"], rows, (at) => [
      paperCell(VERDICTS[data.verdict[at]]),
      paperObject(nameOf(at) || "(no display name)", dnOf(at) || "not in AD"),
      paperNumber(number.format(data.members[at])),
      paperCell(...findingsOf(at).map((finding) => el("p", { dir: "auto" },
        el("strong", {}, finding.rule.id + " " + SEVERITIES[finding.severity] + (finding.unknown ? ", unknown" : "") + ". "), visible(finding.message)))),
    ]);
  },
};

// A rule's text lies under a detail that covers the page; the way back is the browser's own.
detail.addEventListener("click", (event) => {
  if (event.target.closest("a[href^='#about-']") && detail.matches(":modal")) hideDetail();
});
