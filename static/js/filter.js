// <input data-filter="#table" data-filter-count="#id">: shows only the rows of the table that hold every typed word.
document.addEventListener("input", (event) => {
  const box = event.target.closest("[data-filter]");
  if (!box) return;
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = [...document.querySelectorAll(`${box.dataset.filter} tbody tr`)];
  let shown = 0;
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    if (!row.hidden) shown += 1;
  }
  const count = document.querySelector(box.dataset.filterCount);
  if (count) count.textContent = words.length ? `${shown} of ${rows.length} shown` : `${rows.length}`;
});
