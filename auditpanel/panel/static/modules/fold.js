// A button that folds all parts of a body, or opens them again. Without scripts it stays hidden: each part folds by itself.

export default function fold(button) {
  const body = document.getElementById(button.dataset.fold);
  if (!body) {
    return;
  }
  const parts = [...body.querySelectorAll("details")];
  // The outermost part stays open: folding it would leave nothing to look at.
  const inner = parts.filter((part) => part.parentElement.closest("details"));
  const folded = inner.length > 0 ? inner : parts;

  const showAct = () => {
    const anyOpen = folded.some((part) => part.open);
    button.textContent = anyOpen ? "Fold all" : "Unfold all";
  };
  button.addEventListener("click", () => {
    const open = !folded.some((part) => part.open);
    folded.forEach((part) => {
      part.open = open;
    });
    showAct();
  });
  // A toggle does not bubble, but it can be seen on its way down.
  body.addEventListener("toggle", showAct, true);
  showAct();
  button.hidden = false;
}
