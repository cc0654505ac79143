// Shows what is typed in a password field, while it is pressed in.
export default function (button) {
  const input = document.getElementById(button.dataset.input);
  button.addEventListener("click", () => {
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
    input.focus();
  });
}
