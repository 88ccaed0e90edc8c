// Toasts: server messages can be dismissed; htmx answers can add one with the header
//   HX-Trigger: {"toast": {"tone": "good", "text": "Published."}}
// "announce" events and [data-announce] on arriving fragments speak through the page's live region.
(function () {
  const icons = { good: "circle-check", info: "info", warn: "triangle-alert", bad: "circle-alert" };

  function announce(text) {
    const region = document.getElementById("announcer");
    if (region && text && region.textContent !== text) region.textContent = text;
  }

  function add(tone, text) {
    const list = document.querySelector("[data-toasts]");
    const template = document.getElementById("toast-template");
    if (!list || !template || !text) return;
    const toast = template.content.firstElementChild.cloneNode(true);
    const known = tone in icons ? tone : "info";
    toast.classList.add(`toast--${known}`);
    const use = toast.querySelector("[data-toast-icon]");
    use.setAttribute("href", use.getAttribute("href").split("#")[0] + "#" + icons[known]);
    toast.querySelector("[data-toast-text]").textContent = text;
    list.append(toast);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-toast-close]");
    if (button) button.closest(".toast").remove();
  });
  // What somebody pressed and what failed says so; live parts that fail say it in their place (fragments.js).
  for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, (event) => {
      if ((event.detail.requestConfig?.verb ?? "get") !== "get") add("bad", "That did not work. Reload the page and try again.");
    });
  }
  document.addEventListener("toast", (event) => add(event.detail.tone, event.detail.text));
  document.addEventListener("announce", (event) => announce(event.detail));
  document.addEventListener("htmx:load", (event) => {
    const part = event.detail.elt;
    if (!(part instanceof Element)) return;
    const said = part.matches("[data-announce]") ? part : part.querySelector("[data-announce]");
    if (said) announce(said.dataset.announce);
  });
})();
