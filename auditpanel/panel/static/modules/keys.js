// The keyboard. Elements name their key with data-key; j and k walk the rows of a list where nothing on the page has those keys.
import { keepSetting, readSetting } from "./stored.js";

const typing = (target) => target instanceof Element && target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");

function walk(step) {
  const links = [...document.querySelectorAll(".row-link")].filter((link) => link.checkVisibility());
  if (!links.length) return false;
  const row = document.activeElement?.closest(".row");
  const at = row ? links.indexOf(row.querySelector(".row-link")) : -1;
  const next = links[Math.max(0, Math.min(links.length - 1, at + step))];
  // Room for the pager that stays at the foot.
  next.focus({ preventScroll: true, focusVisible: true });
  next.closest(".row").scrollIntoView({ block: "nearest" });
  return true;
}

function press(key) {
  const target = [...document.querySelectorAll("[data-key]")].find((element) => element.dataset.key === key && element.checkVisibility());
  if (target instanceof HTMLInputElement) {
    target.focus();
    target.select();
  } else if (target) {
    target.click();
  } else if (key === "j" || key === "k") {
    return walk(key === "j" ? 1 : -1);
  } else if (key === "?") {
    document.getElementById("keys").togglePopover();
  } else {
    return false;
  }
  return true;
}

export default function () {
  const box = document.getElementById("keys-on");
  box.checked = readSetting("keys") !== "off";
  box.addEventListener("change", () => keepSetting("keys", box.checked ? null : "off"));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && typing(event.target) && event.target.matches("[data-key]")) return event.target.blur();
    if (!box.checked || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    // What floats over the page has the keyboard to itself.
    if (event.key !== "?" && document.querySelector("[popover]:popover-open")) return;
    if (press(event.key)) event.preventDefault();
  });
}
