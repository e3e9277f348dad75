// What is this page's own: the filters, and what is said of the writes.

const state = { state: "", action: "", step: "", of: "", q: "", sort: "", row: "" };
const controls = { q: byId("q"), state: byId("f-state"), action: byId("f-action"), step: byId("f-step"), of: byId("f-of"), sort: byId("f-sort") };
for (const [id, title] of meta.steps) controls.step.append(el("option", { value: id }, visible(id + " " + title)));

const page = {
  row: "row",
  section: "writes",
  sort: "time",
  columns: ["name", "time", "state", "step"],
  hidesEmpty: true,
  follow(next) {
    state.state = STATES.includes(next.state) ? next.state : "";
    state.action = next.action || "";
    state.step = meta.steps.some(([id]) => id === next.step) ? next.step : "";
    state.of = ["cutover", "rollback"].includes(next.of) ? next.of : "";
  },
  offer: () => offer(controls.action, [...data.actions].map(textOf).concat(state.action || [])),
  missing: (write) => "Write " + write + " is not in this page; run.json lists every one. ",
  said: (all) => data.loaded
    ? number.format(view.length) + " of " + plural(all, "write", "writes")
    : number.format(all) + " of " + number.format(meta.rows) + " writes read so far",
  print() {
    printShown((n) => plural(n, "write", "writes"), "run.json", ["State", "Object", "What", "Meant (UTC)", "Answered by"], (at) => {
      const row = data.rows[at], server = textOf(row[SERVER]);
      return [
        paperCell(STATE_WORDS[row[STATE]]),
        paperObject(row[NAME] || "(no name)", row[OBJECT]),
        paperCell(bdi(whatOf(at) + ": " + briefly(row[OLD]) + " \u2192 " + briefly(row[NEW]))),
        paperCell(row[MEANT]),
        paperCell(server === null ? "" : bdi(server)),
      ];
    });
  },
};
