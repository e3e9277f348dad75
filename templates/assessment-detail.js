const leftOut = (n) => el("span", { className: "none" }, number.format(n) + " more in assessment.json");

// Evidence of any shape: objects as pairs, lists open at first and folded beyond, cut parts named as cut.
function showValue(value) {
  if (value === null) return el("span", { className: "none" }, "(none)");
  if (value === true) return document.createTextNode("yes");
  if (value === false) return document.createTextNode("no");
  if (typeof value === "number") return document.createTextNode(String(value));
  if (typeof value === "string") return value === "" ? el("span", { className: "none" }, "(empty)") : code(value);
  if (Array.isArray(value)) return showList(value);
  if (CUT in value && "text" in value) return el("span", {}, code(value.text), " … ", el("span", { className: "none" }, number.format(value[CUT]) + " more characters in assessment.json"));
  if (CUT in value && Object.keys(value).length === 1) return leftOut(value[CUT]);
  return showPairs(Object.entries(value));
}

function showList(items) {
  if (items.length === 0) return el("span", { className: "none" }, "(empty list)");
  const item = (value) => el("li", {}, showValue(value));
  const open = items.length > LIST_START + 2 ? items.slice(0, LIST_START) : items;
  const list = el("ul", {}, ...open.map(item));
  if (open.length === items.length) return list;
  const rest = items.slice(LIST_START);
  const fold = el("details", { className: "fold" }, el("summary", {}, number.format(rest.length) + " more"));
  // Folded items become elements only when somebody looks.
  fold.addEventListener("toggle", () => fold.append(el("ul", {}, ...rest.map(item))), { once: true });
  return el("div", {}, list, fold);
}

function showPairs(pairs) {
  return el("dl", { className: "facts" }, ...pairs.map(([key, value]) =>
    key === CUT
      ? el("div", {}, el("dt", {}, "…"), el("dd", {}, value === 0 ? el("span", { className: "none" }, "left out of this page to keep it small; assessment.json has it") : leftOut(value)))
      : el("div", {}, el("dt", {}, visible(key)), el("dd", {}, showValue(value)))));
}

function showFinding(finding) {
  const { rule, severity, unknown, message, remedy, evidence } = finding;
  const id = about.has(rule.id) || rule.title ? el("a", { href: "#about-" + rule.id, className: "id" }, rule.id) : el("span", { className: "id" }, visible(rule.id));
  return el("article", { className: "finding" },
    el("h4", {}, id, " ", visible(rule.title)),
    el("p", { className: "tags" }, tag(SEVERITIES[severity]), unknown ? tag("unknown", "unknown: the input cannot tell") : null),
    el("p", { dir: "auto" }, visible(message)),
    remedy ? el("p", { className: "remedy", dir: "auto" }, el("strong", {}, unknown ? "What would settle it. " : "What to do. "), visible(remedy)) : null,
    evidence ? el("details", { className: "fold", open: true }, el("summary", {}, "Evidence"), showPairs(evidence)) : null);
}

// What a link to this group is called by: its object id, unless another group carries the same one.
function linkOf(at) {
  const id = idOf(at), dn = dnOf(at);
  return id !== null && (dn === null || findRows(id).length === 1) ? id : dn;
}

function fillDetail(at) {
  const name = nameOf(at), verdict = VERDICTS[data.verdict[at]], link = linkOf(at);
  const close = el("button", { type: "button", className: "quiet close" }, "Close");
  close.addEventListener("click", () => closeGroup());
  const findings = findingsOf(at).sort((a, b) => b.severity - a.severity || b.unknown - a.unknown);
  detail.replaceChildren(
    el("div", { className: "detail-top" },
      el("h3", { id: "detail-h", tabIndex: -1 }, name === null ? el("span", { className: "none" }, "No display name") : bdi(name)), close),
    el("p", { className: "tags" }, tag(verdict), el("span", {}, VERDICT_MEANING[verdict])),
    el("dl", { className: "pairs" },
      ...(dnOf(at) === null ? [el("dt", {}, "DN"), el("dd", {}, el("span", { className: "none" }, "no object in AD"))] : idRow("DN", dnOf(at))),
      ...idRow("Object id", idOf(at)), ...idRow("objectGUID", data.rows[at][GUID]), ...idRow("SID", sidOf(at)),
      el("dt", {}, "Members"), el("dd", {}, plural(data.members[at], "direct member in AD", "direct members in AD")),
      ...(link === null ? [] : [el("dt", {}, "Link"), el("dd", {}, el("a", { href: "#group=" + encodePart(link) }, "to this group"), copyButton("link", location.href.split("#")[0] + "#group=" + encodePart(link)))])),
    el("h4", { className: "findings-h" }, findings.length === 0 ? "No findings" : plural(findings.length, "finding", "findings")),
    ...findings.map(showFinding));
  detail.scrollTop = 0;
}

