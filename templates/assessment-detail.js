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

