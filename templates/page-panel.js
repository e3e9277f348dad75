function openGroup(at, focus) {
  view.opened = at;
  fillDetail(at);
  present();
  markAll();
  if (focus || narrow.matches) byId("detail-h").focus({ preventScroll: !narrow.matches });
  rememberState();
}

// Over the page it is modal, so that focus stays inside; beside the table it is not.
function present() {
  if (detail.open) detail.close();
  byId("split").classList.toggle("with-detail", true);
  if (narrow.matches) detail.showModal();
  else detail.setAttribute("open", "");
  measure();
}

function hideDetail() {
  if (detail.open) detail.close();
  byId("split").classList.remove("with-detail");
  view.opened = -1;
  markAll();
  measure();
}

function closeGroup() {
  if (view.opened < 0) return;
  hideDetail();
  grid.focus({ preventScroll: true });
  rememberState();
}
