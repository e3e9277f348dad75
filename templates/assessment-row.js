function fill(node, position) {
  const at = rowAt(position), name = nameOf(at), dn = dnOf(at);
  node.id = "row-" + position;
  node.dataset.position = position;
  node.setAttribute("aria-rowindex", position + 2);
  node.style.transform = "translateY(" + position * rowHeight + "px)";
  const [verdict, label, path, members, findings] = node.children;
  verdict.replaceChildren(tag(VERDICTS[data.verdict[at]]));
  label.replaceChildren(name === null ? el("span", { className: "none" }, "no display name") : bdi(name));
  label.title = name === null ? "" : visible(name);
  path.replaceChildren(dn === null ? el("span", { className: "none" }, "not in AD") : bdi(dn));
  path.title = dn === null ? "" : visible(dn);
  members.replaceChildren(number.format(data.members[at]), el("span", { className: "unit" }, data.members[at] === 1 ? " member" : " members"));
  findings.replaceChildren(...findingsCell(at));
  mark(node, position);
}

function findingsCell(at) {
  if (data.worst[at] === 0) return [el("span", { className: "none" }, "none")];
  const worstFirst = [];
  for (let k = data.start[at]; k < data.start[at + 1]; k++) worstFirst.push(k);
  worstFirst.sort((a, b) => (data.grade[b] >> 1) - (data.grade[a] >> 1) || a - b);
  const ids = worstFirst.slice(0, 4).map((k) => visible(rules[data.rule[k]].id) + (data.grade[k] & 1 ? "?" : ""));
  const more = worstFirst.length - ids.length;
  return [
    tag(SEVERITIES[data.worst[at] - 1]),
    el("span", { className: "ids" }, ids.join(" ") + (more > 0 ? " +" + more : "")),
    el("span", { className: "sr" }, data.unknown[at] ? ", with something unknown" : ""),
  ];
}

