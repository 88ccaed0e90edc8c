// Suggestions below the search boxes (the combobox pattern of the ARIA Authoring Practices): arrows choose, Enter goes
// there, Escape closes, typing asks again. Without this script the boxes are plain search boxes.
(function () {
  const WAIT = 120; // milliseconds without a key before the server is asked
  const said = document.createElement("div");
  said.className = "visually-hidden";
  said.setAttribute("role", "status");

  function attach(box, number) {
    const list = document.createElement("div");
    list.className = "suggestions";
    list.id = `suggestions-${number}`;
    list.hidden = true;
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", "Suggestions");
    (box.closest(".ask__box") || box.parentElement).append(list);
    const attributes = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id };
    for (const [name, value] of Object.entries(attributes)) box.setAttribute(name, value);

    let timer, asked, chosen = -1;
    const options = () => [...list.querySelectorAll("[role=option]")];

    function choose(place) {
      const all = options();
      chosen = place;
      all.forEach((option, index) => option.setAttribute("aria-selected", String(index === place)));
      if (all[place]) {
        box.setAttribute("aria-activedescendant", all[place].id);
        all[place].scrollIntoView({ block: "nearest" });
      } else {
        box.removeAttribute("aria-activedescendant");
      }
    }

    function close() {
      clearTimeout(timer);
      if (asked) asked.abort();
      list.hidden = true;
      box.setAttribute("aria-expanded", "false");
      choose(-1);
    }

    async function ask() {
      const text = box.value.trim();
      if (asked) asked.abort();
      if (!text) return close();
      asked = new AbortController();
      try {
        const answer = await fetch(`/search/suggest/?q=${encodeURIComponent(text)}`, { signal: asked.signal });
        if (!answer.ok) return close();
        const html = await answer.text();
        if (document.activeElement !== box) return undefined;
        list.innerHTML = html;
      } catch {
        return undefined; // a later question took its place, or nobody answered: the box works without
      }
      const all = options();
      all.forEach((option, index) => { option.id = `${list.id}-${index}`; });
      list.hidden = all.length === 0;
      box.setAttribute("aria-expanded", String(all.length > 0));
      said.textContent = all.length ? `${all.length} suggestion${all.length === 1 ? "" : "s"}` : "";
      return choose(-1);
    }

    box.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(ask, WAIT);
    });
    box.addEventListener("keydown", (event) => {
      const all = options();
      const open = !list.hidden && all.length > 0;
      if (event.key === "Escape" && open) {
        event.preventDefault();
        close();
      } else if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
        event.preventDefault();
        const step = event.key === "ArrowDown" ? 1 : -1;
        const next = chosen + step;
        choose(next < -1 ? all.length - 1 : next >= all.length ? -1 : next);
      } else if (event.key === "ArrowDown" && box.value.trim()) {
        ask();
      } else if (event.key === "Enter" && open && chosen >= 0) {
        event.preventDefault();
        all[chosen].click();
      }
    });
    // Pressed, not clicked: the box would lose the focus first, and the list be gone.
    list.addEventListener("mousedown", (event) => event.preventDefault());
    box.addEventListener("blur", close);
  }

  document.querySelectorAll("[data-search-box]").forEach(attach);
  document.body.append(said);
})();
