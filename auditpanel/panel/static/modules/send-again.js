// A form that sends again: the page stays where it is, and shows what becomes of it. A second press says that it is under way.
import { announce } from "./announce.js";
import { fetchPage, update } from "./refresh.js";
import { start } from "./start.js";

// What is wrong stands in the error page that would have come.
async function reasonOf(response) {
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  return page.querySelector(".error-details")?.textContent ?? `the server answered ${response.status}`;
}

async function post(form) {
  const response = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { Accept: "application/json" } });
  if (response.redirected) throw new Error("you are logged out");
  if (!response.ok) throw new Error(await reasonOf(response));
  return (await response.json()).message;
}

// Else what it stands in counts as in use, and is left as it is.
function closeAround(form) {
  const open = [form.closest("[popover]"), ...document.querySelectorAll(".sendout-row details[open]")];
  for (const element of open) {
    if (element instanceof HTMLDetailsElement) element.open = false;
    else element?.hidePopover();
  }
}

// What asks already sees this too.
function keepUpToDate() {
  if (document.querySelector("[data-running]")) return null;
  const mark = document.createElement("span");
  mark.hidden = true;
  mark.dataset.module = "refresh";
  document.getElementById("main").append(mark);
  return mark;
}

export default function (form) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const mark = keepUpToDate();
    try {
      announce(await post(form), { lastsMs: 6_000 });
      closeAround(form);
      // Its row is drawn anew, and with it the button.
      form.closest(".row")?.querySelector(".row-link").focus({ preventScroll: true });
      update(await fetchPage());
      if (document.activeElement === document.body) document.querySelector('[data-key="s"]')?.focus({ preventScroll: true });
      if (mark) start(mark);
    } catch (error) {
      mark?.remove();
      announce(`Not sent again: ${error.message}`, { lastsMs: 10_000 });
    }
  });
}
