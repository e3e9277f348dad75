// One line of the table, and the detail of one row with its failures.

const idsOf = (list) => list.map((check) => checks[check].id).join(", ");

function fill(node, position) {
  const at = rowAt(position), row = data.rows[at], name = nameOf(at), dn = dnOf(at);
  node.id = "row-" + position;
  node.dataset.position = position;
  node.setAttribute("aria-rowindex", position + 2);
  node.style.transform = "translateY(" + position * rowHeight + "px)";
  const [worst, label, path, members, list] = node.children;
  const bad = data.worst[at];
  worst.replaceChildren(bad >= 0 ? tag(SEVERITIES[bad]) : row[UNKNOWN].length ? tag("unknown", "not known") : tag("pass", "pass"));
  label.replaceChildren(name === null ? el("span", { className: "none" }, "no display name") : bdi(name));
  label.title = name === null ? "" : visible(name);
  path.replaceChildren(dn === null ? el("span", { className: "none" }, isSubject(at) ? "no group" : "not in AD") : bdi(dn));
  path.title = dn === null ? "" : visible(dn);
  members.replaceChildren(isSubject(at) ? "" : number.format(row[MEMBERS]), isSubject(at) ? "" : el("span", { className: "unit" }, " members"));
  const parts = [];
  if (row[FAILED].length) parts.push(el("span", { className: "ids" }, idsOf(row[FAILED])));
  if (row[UNKNOWN].length) parts.push(el("span", { className: "ids" }, "not known: " + idsOf(row[UNKNOWN])));
  list.replaceChildren(...parts);
  list.title = parts.map((part) => part.textContent).join("; ");
  mark(node, position);
}

function pairOf(label, value) {
  if (value === null || value === undefined) return null;
  return el("tr", {}, el("th", { scope: "row" }, label), el("td", {}, code(textOf(value))));
}

function showFailure(failure) {
  const state = { 1: tag("new", "new"), 2: el("span", { className: "none" }, "unchanged") }[failure[STATE]];
  const values = [pairOf("Attribute", failure[ATTRIBUTE]), pairOf("Expected", failure[EXPECTED]), pairOf("Actual", failure[ACTUAL])].filter(Boolean);
  const evidence = failure[EVIDENCE];
  return el("div", { className: "failure" },
    el("p", { dir: "auto" }, visible(textOf(failure[MESSAGE])), state ? " " : null, state || null),
    values.length ? el("table", { className: "values" }, el("tbody", {}, ...values)) : null,
    evidence === 1 ? el("p", { className: "none" }, "Its evidence is left out of this page to keep it small; audit.json has it.") : null,
    evidence && evidence !== 1 ? el("details", { className: "fold" }, el("summary", {}, "Evidence"), showPairs(Object.entries(evidence))) : null);
}

// One check of a row: what it says of this row, then what to do.
function showCheck(at, which, open) {
  const check = checks[which], all = failuresOf(at).filter((f) => f[CHECK] === which && (f[OPEN] === 1) === open);
  const FIRST = 20, first = all.slice(0, FIRST), rest = all.slice(FIRST);
  const node = el("article", { className: "finding" },
    el("h4", {}, el("a", { href: "#about-" + check.id, className: "id" }, check.id), " ", visible(check.title)),
    el("p", { className: "tags" }, open ? tag("unknown", "not known") : tag(SEVERITIES[check.severity])),
    ...first.map(showFailure));
  if (rest.length) {
    const fold = el("details", { className: "fold" }, el("summary", {}, number.format(rest.length) + " more"));
    fold.addEventListener("toggle", () => fold.append(...rest.map(showFailure)), { once: true });
    node.append(fold);
  }
  if (all.length === 0) node.append(el("p", { className: "none" }, open ? "The input tells too little about this group." : "What failed is left out of this page to keep it small; audit.csv and audit.json have it."));
  if (check.remedy) node.append(el("p", { className: "remedy", dir: "auto" }, el("strong", {}, check.status === "unknown" ? "What would settle it. " : "What to do. "), visible(check.remedy)));
  return node;
}

function fillDetail(at) {
  const row = data.rows[at], name = nameOf(at), link = linkOf(at), subject = isSubject(at);
  const close = el("button", { type: "button", className: "quiet close" }, "Close");
  close.addEventListener("click", () => closeGroup());
  const worst = data.worst[at];
  const bySeverity = (a, b) => checks[b].severity - checks[a].severity || a - b;
  const failed = [...row[FAILED]].sort(bySeverity), open = [...row[UNKNOWN]].sort(bySeverity);
  const scope = ["not in the job's scope", "in the job's scope", "whether the job takes it is not known"][row[SCOPE]];
  detail.replaceChildren(
    el("div", { className: "detail-top" },
      el("h3", { id: "detail-h", tabIndex: -1 }, name === null ? el("span", { className: "none" }, "No display name") : bdi(name)), close),
    el("p", { className: "tags" }, worst >= 0 ? tag(SEVERITIES[worst], "fails: " + SEVERITIES[worst]) : open.length ? tag("unknown", "not known") : tag("pass", "as it should be"),
      subject ? null : el("span", {}, scope)),
    el("dl", { className: "pairs" },
      ...(dnOf(at) === null ? (subject ? [] : [el("dt", {}, "DN"), el("dd", {}, el("span", { className: "none" }, "no object in AD"))]) : idRow("DN", dnOf(at))),
      ...(row[ID] === null ? [] : idRow("Object id", row[ID])), ...(row[GUID] === null ? [] : idRow("objectGUID", row[GUID])), ...(row[SID] === null ? [] : idRow("SID", row[SID])),
      ...(subject ? [] : [el("dt", {}, "Members"), el("dd", {}, plural(row[MEMBERS], "direct member in AD", "direct members in AD"))]),
      ...(row[WAVE] === null ? [] : [el("dt", {}, "Wave"), el("dd", {}, bdi(textOf(row[WAVE])))]),
      ...(link === null ? [] : [el("dt", {}, "Link"), el("dd", {}, el("a", { href: "#row=" + encodePart(link) }, "to this row"), copyButton("link", location.href.split("#")[0] + "#row=" + encodePart(link)))])),
    el("h4", { className: "findings-h" }, failed.length ? plural(failed.length, "check fails", "checks fail") : "No check fails"),
    ...failed.map((check) => showCheck(at, check, false)),
    ...(open.length ? [el("h4", { className: "findings-h" }, plural(open.length, "check is not known", "checks are not known"))] : []),
    ...open.map((check) => showCheck(at, check, true)));
  detail.scrollTop = 0;
}
