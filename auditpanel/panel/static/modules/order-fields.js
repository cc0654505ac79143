// The fields of a file: moved, chosen and counted without asking the server; packing and the mark only for formats that have them.
const PACKED = ["csv", "ndjson"];

function move(row, act) {
  const other = act === "up" ? row.previousElementSibling : row.nextElementSibling;
  if (act === "up") other?.before(row);
  else other?.after(row);
}

export default function (fields) {
  const form = fields.closest("form");
  const boxes = () => [...fields.querySelectorAll("[name=field]")];
  const count = () => {
    const all = boxes();
    fields.querySelector("[data-chosen]").textContent = `${all.filter((box) => box.checked).length} of ${all.length}`;
  };
  const limit = () => {
    const format = form.querySelector("[name=format]:checked")?.value;
    form.elements.gzip.disabled = !PACKED.includes(format);
    form.elements.bom.disabled = format !== "csv";
  };

  fields.addEventListener("click", (event) => {
    const button = event.target.closest("button[name=move]");
    if (!button) return;
    event.preventDefault();
    const [act] = button.value.split(":");
    const usual = button.dataset.usual?.split(" ");
    if (act === "up" || act === "down") move(button.closest("li"), act);
    else for (const box of boxes()) box.checked = !usual || usual.includes(box.value);
    // Moving takes the focus away from what is moved.
    button.focus({ preventScroll: true });
    button.closest("li")?.scrollIntoView({ block: "nearest" });
    count();
  });
  fields.addEventListener("change", count);
  form.addEventListener("change", limit);
  limit();
}
