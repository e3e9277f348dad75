// The detail of one group, beside the table on a wide page and over it on a narrow one.

const detail = byId("detail");
const narrow = matchMedia("(max-width: 999px)");
const VERDICT_MEANING = {
  migrate: "Can move as it is.",
  fix: "Can move once the findings are fixed.",
  review: "Somebody must look and decide first.",
  exclude: "Does not move by this path.",
};
const LIST_START = 8; // items of a list that stand open

function copyButton(label, value) {
  const button = el("button", { type: "button", className: "copy", "aria-label": "Copy " + label }, "Copy");
  button.addEventListener("click", async () => {
    let done = false;
    try {
      await navigator.clipboard.writeText(value);
      done = true;
    } catch {
      // Without the right to the clipboard, the older command may still do it.
      const area = el("textarea", { value, className: "sr" });
      button.after(area);
      area.select();
      try {
        done = document.execCommand("copy");
      } catch {}
      area.remove();
      button.focus();
    }
    button.textContent = done ? "Copied" : "Not allowed";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
  return button;
}

function idRow(label, value) {
  if (value === null) return [el("dt", {}, label), el("dd", {}, el("span", { className: "none" }, "none"))];
  return [el("dt", {}, label), el("dd", {}, code(value), copyButton(label, value))];
}

