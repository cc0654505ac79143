// Light, dark, or as the system has it; theme-early.js applies it before the next page paints.
import { keepSetting, readSetting } from "./stored.js";

export default function (group) {
  const buttons = [...group.querySelectorAll("[data-theme-choice]")];
  const show = (choice) => buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice)));
  show(readSetting("theme") ?? "system");
  group.addEventListener("click", (event) => {
    const choice = event.target.closest("[data-theme-choice]")?.dataset.themeChoice;
    if (!choice) return;
    keepSetting("theme", choice === "system" ? null : choice);
    if (choice === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = choice;
    show(choice);
  });
}
