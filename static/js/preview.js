// Publishing: what is typed in a form with data-preview-form appears in [data-preview-of="<field name>"].
// A select shows the label of its choice; an empty field shows data-preview-empty.
(function () {
  function text(field) {
    if (field.matches("select")) return field.value ? field.selectedOptions[0].textContent : "";
    if (field.type === "radio") return field.checked ? field.labels[0].textContent : "";
    return field.value;
  }
  function show(event) {
    const field = event.target;
    if (!field.name || !field.closest("[data-preview-form]") || (field.type === "radio" && !field.checked)) return;
    for (const place of document.querySelectorAll(`[data-preview-of="${CSS.escape(field.name)}"]`)) {
      place.textContent = text(field).trim() || place.dataset.previewEmpty || "";
    }
  }
  document.addEventListener("input", show);
  document.addEventListener("change", show);
})();
