// A link to a text: the text is copied. Where the browser does not allow that, the link is followed.
import { announce } from "./announce.js";

async function fetchText(url) {
  const response = await fetch(url, { cache: "no-store" });
  if (!response.ok || response.redirected) throw new Error(`the server answered ${response.status}`);
  return response.text();
}

export default function (link) {
  link.addEventListener("click", async (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || !navigator.clipboard) return;
    event.preventDefault();
    try {
      await navigator.clipboard.writeText(await fetchText(link.href));
      announce("Copied");
      const menu = link.closest("details");
      if (menu) menu.open = false;
    } catch {
      location.assign(link.href);
    }
  });
}
