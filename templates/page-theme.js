// The theme is kept by this page only while it is open.
const THEMES = ["automatic", "light", "dark"];
let theme = 0;
byId("theme").hidden = false;
byId("theme").addEventListener("click", () => {
  theme = (theme + 1) % THEMES.length;
  byId("theme").lastElementChild.textContent = THEMES[theme];
  if (theme === 0) delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = THEMES[theme];
});

