// Publishing: a click on [data-fill="<field name>"] puts data-value into that field: a select takes it, the tags get one
// more. [data-when-empty] does so by itself where nothing is chosen yet; [data-tick] also ticks the box of that name.
(function () {
  const form = document.querySelector("[data-preview-form], [data-checklist]");
  if (!form) return;
  function labels(field) {
    return field.value.split(",").map((label) => label.trim()).filter(Boolean);
  }
  function fill(button) {
    const field = form.elements[button.dataset.fill];
    if (!field) return;
    const value = button.dataset.value;
    if (field.matches("select")) field.value = value;
    else if (!labels(field).includes(value)) field.value = [...labels(field), value].join(", ");
    const box = button.dataset.tick && form.elements[button.dataset.tick];
    if (box) box.checked = true;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-fill]");
    if (!button) return;
    fill(button);
    const item = button.closest("li");
    const next = item.nextElementSibling?.querySelector("button") || form.elements[button.dataset.fill];
    item.remove();
    next.focus();
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    for (const button of event.target.querySelectorAll("[data-when-empty]")) {
      const field = form.elements[button.dataset.fill];
      if (!field || field.value) continue;
      fill(button);
      const why = button.nextElementSibling;
      why.textContent = `${button.textContent.trim()} is chosen for you: ${why.textContent}`;
      button.remove();
    }
  });
})();
