// Runs before first paint: applies the remembered theme, so that the page never flashes the other one.
// "system" follows the device; the header's button switches between light and dark and remembers it.
(function () {
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const read = () => {
    try { return localStorage.getItem("theme"); } catch { return null; }
  };
  const apply = () => {
    const chosen = read();
    if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
    else delete root.dataset.theme;
    root.dataset.shade = chosen || (dark.matches ? "dark" : "light");
  };
  root.classList.add("js");
  apply();
  dark.addEventListener("change", apply);
  window.addEventListener("storage", apply);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-toggle]")) return;
    const next = root.dataset.shade === "dark" ? "light" : "dark";
    try { localStorage.setItem("theme", next); } catch { /* private mode: lasts for this page only */ }
    root.dataset.theme = next;
    root.dataset.shade = next;
  });
})();
