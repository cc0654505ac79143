// The whole row opens the record, as its link does; text in it can still be selected.
const linkOf = (event) => {
  if (event.target.closest("a, button, input, label, summary")) return null;
  return event.target.closest(".row")?.querySelector(".row-link") ?? null;
};

function inNewTab(link) {
  window.open(link.href, "_blank", "noopener");
}

// A path is shown as two boxes, between which browsers copy a line break.
function copyWholePath(event) {
  const range = getSelection().rangeCount ? getSelection().getRangeAt(0) : null;
  const holder = range?.commonAncestorContainer;
  const element = holder instanceof Element ? holder : holder?.parentElement;
  if (!element?.closest(".row-link")) return;
  event.clipboardData.setData("text/plain", range.toString());
  event.preventDefault();
}

export default function (table) {
  table.addEventListener("copy", copyWholePath);
  table.addEventListener("click", (event) => {
    const link = linkOf(event);
    if (!link || String(getSelection())) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey) inNewTab(link);
    else location.assign(link.href);
  });
  // Without this a middle press starts to scroll.
  table.addEventListener("mousedown", (event) => {
    if (event.button === 1 && linkOf(event)) event.preventDefault();
  });
  table.addEventListener("auxclick", (event) => {
    const link = event.button === 1 && linkOf(event);
    if (link) inNewTab(link);
  });
}
