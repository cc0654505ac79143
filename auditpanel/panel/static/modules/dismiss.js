export default function (note) {
  note.querySelector("[data-dismiss]").addEventListener("click", () => note.remove());
}
