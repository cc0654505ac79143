// A chip opens the panel of filters at its own field.
export default function (button) {
  const panel = document.getElementById(button.getAttribute("popovertarget"));
  const field = panel?.querySelector(`#filter-${CSS.escape(button.dataset.field)}`) ?? document.querySelector(`[name="${CSS.escape(button.dataset.field)}"]`);
  let asked = false;
  button.addEventListener("click", () => (asked = true));
  panel?.addEventListener("toggle", (event) => {
    if (!asked || event.newState !== "open") return;
    asked = false;
    const target = field?.matches("fieldset") ? field.querySelector("input:checked, input") : field;
    target?.focus();
  });
}
