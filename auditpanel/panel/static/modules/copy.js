// Copies data-copy, or the text of the element that data-copy-from names.
import { announce } from "./announce.js";

function textOf(element) {
  const text = (element instanceof HTMLTemplateElement ? element.content : element).textContent;
  // Bodies with characters that HTML would change travel as JSON strings.
  return element.dataset.encoding === "json" ? JSON.parse(text) : text;
}

async function write(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // The clipboard is for pages over TLS and on localhost; a panel in a plain network has the older way.
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "visually-hidden";
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  if (!copied) throw new Error("the browser refused");
}

export default function (button) {
  button.addEventListener("click", async () => {
    const source = button.dataset.copyFrom;
    try {
      await write(source ? textOf(document.querySelector(source)) : button.dataset.copy);
      announce("Copied");
    } catch {
      announce("Not copied: the browser does not allow it. Select the text and copy it by hand.", { lastsMs: 8_000 });
    }
    button.focus();
  });
}
