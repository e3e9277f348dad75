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
