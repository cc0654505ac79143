// Before the first paint, so that a dark page never flashes light; that is why this one script is not a module.
try {
  const theme = localStorage.getItem("auditpanel-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage is switched off in this browser: the system's theme it is.
}
