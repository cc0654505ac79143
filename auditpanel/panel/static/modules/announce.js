// Says something in the page's one status line: seen as a toast, read by screen readers.
let timer;

export function announce(text, { lastsMs = 3_000 } = {}) {
  const line = document.getElementById("announcement");
  if (!line) return;
  line.textContent = text;
  clearTimeout(timer);
  timer = setTimeout(() => (line.textContent = ""), lastsMs);
}
