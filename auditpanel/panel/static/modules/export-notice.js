// Word of an export that this reader awaits: asked for every 10 s while one of theirs runs, more slowly after a failure.
import { start } from "./start.js";

const OFTEN_MS = 10_000;
const SLOWEST_MS = 60_000;

async function fetchNotices(url) {
  const response = await fetch(url, { headers: { Accept: "text/html", "X-Fragment": "notices" }, cache: "no-store" });
  if (!response.ok || response.redirected) throw new Error(`the server answered ${response.status}`);
  return new DOMParser().parseFromString(await response.text(), "text/html").querySelector(".export-notices");
}

// Closing them leads nowhere: the page stays as it is.
function closeInPlace(box) {
  box.addEventListener("submit", async (event) => {
    event.preventDefault();
    await fetch(event.target.action, { method: "POST", body: new FormData(event.target), redirect: "manual" }).catch(() => {});
    box.replaceChildren();
    document.getElementById("main").focus({ preventScroll: true });
  });
}

export default function (box) {
  let pause = OFTEN_MS;
  const next = () => box.hasAttribute("data-waits") && setTimeout(ask, pause);
  async function ask() {
    if (document.hidden) return document.addEventListener("visibilitychange", ask, { once: true });
    try {
      const fresh = await fetchNotices(box.dataset.url);
      box.toggleAttribute("data-waits", fresh?.hasAttribute("data-waits") ?? false);
      const notes = [...(fresh?.children ?? [])].map((note) => document.importNode(note, true));
      const words = (nodes) => nodes.map((node) => node.textContent).join();
      // Set only when it changes, or a screen reader would hear it at each answer.
      if (words(notes) !== words([...box.children])) box.replaceChildren(...notes);
      start(box);
      pause = OFTEN_MS;
    } catch {
      pause = Math.min(pause * 2, SLOWEST_MS);
    }
    next();
  }
  closeInPlace(box);
  next();
}
