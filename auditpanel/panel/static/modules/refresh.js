// Brings the parts of a page marked data-live up to date while something on it runs (data-running). After a failure it asks more
// slowly, and says so. What the reader has opened, chosen or filled in is left alone until the next time.
import { start } from "./start.js";

const OFTEN_MS = 2_000;
const SLOWEST_MS = 60_000;

export async function fetchPage() {
  const response = await fetch(location.href, { headers: { Accept: "text/html", "X-Fragment": "live" }, cache: "no-store" });
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  if (response.redirected) throw new Error("you are logged out");
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

function isInUse(part) {
  const chosen = getSelection();
  if (!chosen.isCollapsed && part.contains(chosen.anchorNode)) return true;
  return part.querySelector("details[open], :popover-open, input:focus, select:focus, textarea:focus") !== null;
}

function replace(part, fresh) {
  const focused = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  part.replaceChildren(...[...fresh.childNodes].map((node) => document.importNode(node, true)));
  if (focused) part.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  start(part);
  part.dispatchEvent(new CustomEvent("rows-added"));
}

export function update(page) {
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = page.querySelector(`[data-live="${CSS.escape(part.dataset.live)}"]`);
    // A list that was narrowed to what runs is empty now, or the like.
    if (!fresh) return location.reload();
    if (!fresh.isEqualNode(part) && !isInUse(part)) replace(part, fresh);
  }
}

export default function () {
  const line = document.querySelector("[data-refresh-words]");
  const words = line?.cloneNode(true).childNodes ?? [];
  let pause = OFTEN_MS;
  const say = (text) => {
    if (!line || line.textContent === text) return;
    if (text) line.textContent = text;
    else line.replaceChildren(...[...words].map((node) => node.cloneNode(true)));
  };
  const next = () => setTimeout(ask, pause);
  async function ask() {
    if (document.hidden) return document.addEventListener("visibilitychange", ask, { once: true });
    try {
      update(await fetchPage());
      if (pause > OFTEN_MS) say("");
      pause = OFTEN_MS;
      if (!document.querySelector("[data-running]")) return say("All that ran has ended.");
    } catch (error) {
      pause = Math.min(pause * 2, SLOWEST_MS);
      say(`Not up to date: ${error.message}. Trying again in ${pause / 1_000} s.`);
    }
    next();
  }
  next();
}
