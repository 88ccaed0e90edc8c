// A long list of ticks in a form with data-checklist: a filter, one tick for all that are shown, and a count.
// Before sending, the ticks become one field "chosen" ("0-3,7"): servers refuse forms of thousands of fields.
(function () {
  const form = document.querySelector("[data-checklist]");
  if (!form) return;
  const rows = [...form.querySelectorAll(".checklist > li")].map((item) => ({
    item,
    box: item.querySelector("input"),
    words: item.textContent.toLowerCase(),
  }));
  const filter = form.querySelector("#checklist-filter");
  const all = form.querySelector("#checklist-all");
  const count = form.querySelector("[data-checklist-count]");
  for (const tool of form.querySelectorAll("[data-checklist-tools]")) tool.hidden = false;

  function show() {
    const shown = rows.filter((row) => !row.item.hidden);
    const ticked = rows.filter((row) => row.box.checked);
    const visible = shown.filter((row) => row.box.checked).length;
    all.checked = shown.length > 0 && visible === shown.length;
    all.indeterminate = visible > 0 && visible < shown.length;
    const parts = [`${ticked.length} of ${rows.length} selected`];
    if (shown.length < rows.length) parts.push(`${shown.length} shown`);
    count.textContent = parts.join(", ");
  }
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) row.item.hidden = !words.every((word) => row.words.includes(word));
    show();
  });
  filter.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
  });
  all.addEventListener("change", () => {
    for (const row of rows) if (!row.item.hidden) row.box.checked = all.checked;
    show();
  });
  form.addEventListener("change", show);
  form.addEventListener("submit", () => {
    const numbers = rows.filter((row) => row.box.checked).map((row) => Number(row.box.value));
    const spans = [];
    for (const number of numbers) {
      const last = spans[spans.length - 1];
      if (last && last[1] === number - 1) last[1] = number;
      else spans.push([number, number]);
    }
    form.elements.chosen.value = spans.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join(",");
    for (const row of rows) row.box.disabled = true;
  });
  // Back from the next page the browser shows the form as it was sent.
  window.addEventListener("pageshow", () => {
    for (const row of rows) row.box.disabled = false;
    form.elements.chosen.value = "";
    show();
  });
})();
