// What is typed into a form with data-keep="<person>" outlives a reload, a lost connection and the end of the session:
// it is kept in this browser for a week, and filled in again. The page of what was published (data-keep-done) forgets it.
(function () {
  const WEEK = 7 * 24 * 3600 * 1000;
  const PREFIX = "typed:";
  let store;
  try {
    store = window.localStorage;
    for (const key of Object.keys(store).filter((name) => name.startsWith(PREFIX))) {
      const kept = JSON.parse(store.getItem(key));
      const over = !kept || Date.now() - kept.at > WEEK;
      if (over || (kept.sent && document.querySelector("[data-keep-done]"))) store.removeItem(key);
    }
  } catch {
    return; // no storage, no keeping
  }
  const form = document.querySelector("form[data-keep]");
  if (!form) return;
  const key = `${PREFIX}${form.dataset.keep}:${location.pathname}${location.search}`;
  const note = form.querySelector("[data-keep-note]");

  function fields() {
    return [...form.elements].filter((field) => field.name && field.name !== "csrfmiddlewaretoken" && !field.matches("button"));
  }
  function save(sent) {
    const values = fields().map((field) => [field.name, field.type === "checkbox" ? field.checked : field.value]);
    try {
      store.setItem(key, JSON.stringify({ at: Date.now(), sent, values }));
    } catch {
      // full: the form works without it
    }
  }
  function restore(kept) {
    const values = new Map(kept.values);
    for (const field of fields()) {
      if (!values.has(field.name)) continue;
      if (field.type === "checkbox") field.checked = values.get(field.name) === true;
      else field.value = values.get(field.name);
      field.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }
  function say(text, label, act) {
    note.querySelector("p").textContent = text;
    const button = note.querySelector("button");
    button.textContent = label;
    button.onclick = act;
    note.hidden = false;
  }

  const kept = JSON.parse(store.getItem(key));
  if (kept && !form.hasAttribute("data-bound")) {
    const differs = fields().some((field) => {
      const value = new Map(kept.values).get(field.name);
      return value !== undefined && value !== (field.type === "checkbox" ? field.checked : field.value);
    });
    if (differs && kept.sent) {
      say("You sent this form before.", "Fill in what I sent", () => {
        restore(kept);
        note.hidden = true;
      });
    } else if (differs) {
      restore(kept);
      say("What you typed before is here again.", "Start over", () => {
        store.removeItem(key);
        location.reload();
      });
    }
  }
  let waiting;
  function later() {
    clearTimeout(waiting);
    waiting = setTimeout(() => save(false), 200);
  }
  form.addEventListener("input", later);
  form.addEventListener("change", (event) => event.isTrusted && later());
  form.addEventListener("submit", () => {
    clearTimeout(waiting);
    save(true);
  });
})();
