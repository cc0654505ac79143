// A key that acts on the row which has the focus: elements name it with data-row-key.
import { readSetting } from "./stored.js";

export default function (table) {
  table.addEventListener("keydown", (event) => {
    if (readSetting("keys") === "off" || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
    const row = event.target.closest(".row");
    const target = [...(row?.querySelectorAll("[data-row-key]") ?? [])].find((element) => element.dataset.rowKey === event.key);
    if (!target) return;
    event.preventDefault();
    target.click();
  });
}
