// A setting of this browser. Where storage is switched off, the setting lasts as long as the page.
const held = new Map();

export function readSetting(name) {
  try {
    return localStorage.getItem(`auditpanel-${name}`);
  } catch {
    return held.get(name) ?? null;
  }
}

export function keepSetting(name, value) {
  held.set(name, value);
  try {
    if (value === null) localStorage.removeItem(`auditpanel-${name}`);
    else localStorage.setItem(`auditpanel-${name}`, value);
  } catch {
    // Held above.
  }
}
