// When a live part cannot be loaded, its place says so and offers another try, instead of a skeleton for ever. Where one
// question is for all parts of the page, each of those that are still awaited says so.
(function () {
  function say(part, again) {
    const template = document.getElementById("fragment-failed");
    if (!template) return;
    const box = template.content.firstElementChild.cloneNode(true);
    box.querySelector("button").addEventListener("click", () => window.htmx.trigger(again, "retry"));
    part.replaceChildren(box);
    part.removeAttribute("aria-busy");
    part.dataset.failed = "";
  }

  function failed(event) {
    const asked = event.detail.elt;
    if (asked.matches("[data-live-parts]")) {
      // An error may be of one part alone: each is then asked for by itself. No answer is no answer to any.
      const alone = event.type === "htmx:responseError";
      for (const part of document.querySelectorAll("[data-live]:is([aria-busy], [data-failed])")) say(part, alone ? part : asked);
    } else if (asked.matches("[data-live]")) {
      say(asked, asked);
    }
  }

  for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, failed);
  }
})();
