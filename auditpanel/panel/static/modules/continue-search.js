// A search that used up its time goes on by itself, piece by piece, until the page is full, the history ends, or it is stopped.
import { announce } from "./announce.js";
import { start } from "./start.js";

const SPOKEN_EVERY_MS = 10_000;
let lastSpoken = 0;

async function fetchPiece(url, signal) {
  const response = await fetch(url, { headers: { Accept: "text/html", "X-Fragment": "rows" }, signal });
  if (!response.ok || response.redirected) throw new Error(`the server answered ${response.status}`);
  return new DOMParser().parseFromString(`<table>${await response.text()}</table>`, "text/html").querySelectorAll("table > tbody");
}

function append(strip, pieces) {
  let last = [...strip.parentElement.querySelectorAll("tbody.day-rows")].at(-1);
  for (const piece of pieces) {
    if (piece.matches(".day-rows") && piece.dataset.day === last?.dataset.day) {
      last.append(...piece.querySelectorAll(".row"));
    } else {
      strip.before(piece);
      if (piece.matches(".day-rows")) last = piece;
    }
  }
  strip.parentElement.dispatchEvent(new CustomEvent("rows-added"));
}

function showCount(table) {
  const count = table.querySelectorAll(".row").length;
  const [shown, total] = [document.querySelector("[data-shown]"), document.querySelector("[data-total]")];
  if (shown) shown.textContent = count.toLocaleString("en");
  if (total?.textContent.startsWith("at least")) {
    // Nothing left to look through, and no older page: the count is whole.
    const whole = table.querySelector(".rows-end")?.dataset.older === "";
    total.textContent = `${whole ? "" : "at least "}${count.toLocaleString("en")}`;
  }
  return count;
}

function showOlder(table) {
  const url = table.querySelector(".rows-end")?.dataset.older;
  const older = document.querySelector(".pager [aria-disabled]:last-child");
  if (!url || !older) return;
  for (const name of ["role", "aria-disabled"]) older.removeAttribute(name);
  older.href = url;
  older.rel = "next";
}

export default async function (strip) {
  const table = strip.parentElement;
  const [words, link, stop] = ["[data-words]", "[data-continue]", "[data-stop]"].map((selector) => strip.querySelector(selector));
  const control = new AbortController();
  if (showCount(table) >= Number(table.dataset.size)) return;
  const rest = () => {
    stop.hidden = true;
    link.hidden = false;
  };
  stop.hidden = false;
  link.hidden = true;
  stop.addEventListener("click", () => {
    control.abort();
    rest();
    link.focus();
    announce("Stopped");
  });
  try {
    const pieces = await fetchPiece(link.href, control.signal);
    append(strip, pieces);
    const next = strip.previousElementSibling;
    strip.remove();
    const count = showCount(table);
    const told = next.querySelector("[data-words]")?.textContent ?? `The search is through: ${count} found.`;
    if (Date.now() - lastSpoken > SPOKEN_EVERY_MS || !next.matches(".looked-back")) {
      announce(told);
      lastSpoken = Date.now();
    }
    showOlder(table);
    start(next);
  } catch (error) {
    rest();
    if (error.name !== "AbortError") words.textContent += ` It could not go on: ${error.message}.`;
  }
}
