function mark(node, position) {
  node.classList.toggle("active", position === view.active);
  const opened = rowAt(position) === view.opened;
  node.classList.toggle("opened", opened);
  node.setAttribute("aria-selected", String(opened));
}

function drawSoon() {
  if (!frame) frame = requestAnimationFrame(draw);
}

function draw() {
  frame = 0;
  const head = grid.firstElementChild.offsetHeight;
  const first = Math.max(0, Math.floor(grid.scrollTop / rowHeight) - OVERSCAN);
  const last = Math.min(view.length, Math.ceil((grid.scrollTop + grid.clientHeight - head) / rowHeight) + OVERSCAN);
  for (const [position, node] of shown) {
    if (position < first || position >= last) {
      shown.delete(position);
      spare.push(node);
    }
  }
  for (let position = first; position < last; position++) {
    if (!shown.has(position)) {
      const node = spare.pop() || newRow();
      fill(node, position);
      shown.set(position, node);
    }
  }
  for (const node of spare.splice(0)) node.remove();
  const active = shown.get(view.active);
  if (active) grid.setAttribute("aria-activedescendant", active.id);
  else grid.removeAttribute("aria-activedescendant");
}

function redraw() {
  for (const node of shown.values()) spare.push(node);
  shown.clear();
  drawSoon();
}

function measure() {
  const wanted = parseFloat(getComputedStyle(grid).getPropertyValue("--row")) || 44;
  if (wanted !== rowHeight) {
    const top = grid.scrollTop / rowHeight;
    rowHeight = wanted;
    body.style.height = view.length * rowHeight + "px";
    grid.scrollTop = top * rowHeight;
    redraw();
  } else {
    drawSoon();
  }
}

// Shows these rows. The active row stays on its group where that is still among them.
function show(order, keepPlace) {
  const was = view.length ? rowAt(Math.min(view.active, view.length - 1)) : -1;
  view.order = order;
  view.length = order ? order.length : data.rows.length;
  view.active = Math.max(0, keepPlace && was >= 0 ? positionOf(was) : view.opened >= 0 ? positionOf(view.opened) : 0);
  body.style.height = view.length * rowHeight + "px";
  grid.setAttribute("aria-rowcount", view.length + 1);
  byId("empty").hidden = view.length > 0 || !data.loaded;
  if (!keepPlace) {
    grid.scrollTop = 0;
    if (view.active > 0) reveal(view.active);
  }
  redraw();
}

const positionOf = (at) => (view.order ? view.order.indexOf(at) : at < view.length ? at : -1);

function reveal(position) {
  const head = grid.firstElementChild.offsetHeight, top = position * rowHeight;
  if (top < grid.scrollTop) grid.scrollTop = top;
  else if (top + rowHeight > grid.scrollTop + grid.clientHeight - head) {
    grid.scrollTop = top + rowHeight - (grid.clientHeight - head);
  }
}

function activate(position) {
  if (view.length === 0) return;
  const next = Math.max(0, Math.min(view.length - 1, position));
  const old = shown.get(view.active);
  view.active = next;
  reveal(next);
  draw();
  if (old) mark(old, Number(old.dataset.position));
  if (shown.has(next)) mark(shown.get(next), next);
}

function markAll() {
  for (const [position, node] of shown) mark(node, position);
}

// Returns whether the key was one of the table's own.
function moveByKey(key) {
  const page = Math.max(1, Math.floor((grid.clientHeight - grid.firstElementChild.offsetHeight) / rowHeight) - 1);
  const to = {
    ArrowDown: view.active + 1,
    ArrowUp: view.active - 1,
    Home: 0,
    End: view.length - 1,
    PageDown: view.active + page,
    PageUp: view.active - page,
  }[key];
  if (to === undefined) return false;
  activate(to);
  return true;
}
