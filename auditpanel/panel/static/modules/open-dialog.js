// A link to a page that asks something: its dialog is shown over this page instead. Where that fails, the link is followed.
import { announce } from "./announce.js";
import { start } from "./start.js";

// The dialog may have styles that this page has no use for.
async function addStyles(page) {
  const known = new Set([...document.querySelectorAll("link[rel=stylesheet]")].map((link) => link.getAttribute("href")));
  const missing = [...page.querySelectorAll("link[rel=stylesheet]")].filter((link) => !known.has(link.getAttribute("href")));
  await Promise.all(
    missing.map((link) => {
      const added = document.importNode(link, true);
      const loaded = new Promise((resolve) => (added.onload = added.onerror = resolve));
      document.head.append(added);
      return loaded;
    }),
  );
}

async function fetchDialog(url) {
  const response = await fetch(url, { headers: { Accept: "text/html" }, cache: "no-store" });
  if (!response.ok || response.redirected) throw new Error(`the server answered ${response.status}`);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  await addStyles(page);
  return document.importNode(page.querySelector("main dialog"), true);
}

function show(dialog, link) {
  dialog.removeAttribute("open");
  dialog.classList.remove("dialog-page");
  dialog.popover = "auto";
  document.body.append(dialog);
  dialog.querySelector("[data-close]")?.addEventListener("click", (event) => {
    event.preventDefault();
    dialog.hidePopover();
  });
  dialog.addEventListener("toggle", (event) => {
    if (event.newState !== "closed") return;
    // What is closed is gone: it is asked for anew, with the numbers of then.
    dialog.remove();
    const opener = link.checkVisibility() ? link : link.closest(".row")?.querySelector(".row-link");
    if (document.activeElement === document.body) opener?.focus({ preventScroll: true });
  });
  start(dialog);
  dialog.showPopover();
  (dialog.querySelector("[autofocus]") ?? dialog.querySelector("select, [type=submit], [data-close]"))?.focus();
}

export default function (link) {
  link.addEventListener("click", async (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    link.setAttribute("aria-busy", "true");
    const late = setTimeout(() => announce("Counting…", { lastsMs: 6_000 }), 400);
    try {
      const dialog = await fetchDialog(link.href);
      const menu = link.closest("details");
      if (menu) menu.open = false;
      show(dialog, link);
    } catch {
      location.assign(link.href);
    } finally {
      clearTimeout(late);
      link.removeAttribute("aria-busy");
    }
  });
}
