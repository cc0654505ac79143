// A <details> as a menu: Esc and a press elsewhere close it, and Esc gives the focus back.
export default function (details) {
  const inner = details.querySelector("summary");
  document.addEventListener("click", (event) => {
    if (!details.contains(event.target)) details.open = false;
  });
  details.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !details.contains(event.relatedTarget)) details.open = false;
  });
  details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !details.open) return;
    details.open = false;
    inner.focus();
    // A popover around it stays open: one Esc closes one thing.
    event.preventDefault();
  });
}
