// When a live part cannot be loaded, its place says so and offers another try, instead of a skeleton for ever.
(function () {
  function failed(event) {
    const part = event.detail.elt;
    if (!part.matches("[data-live]")) return;
    const template = document.getElementById("fragment-failed");
    if (!template) return;
    const box = template.content.firstElementChild.cloneNode(true);
    box.querySelector("button").addEventListener("click", () => window.htmx.trigger(part, "retry"));
    part.replaceChildren(box);
    part.removeAttribute("aria-busy");
  }
  for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, failed);
  }
})();
