// Gives each element with data-module="name other" to the modules of those names, once.
const started = new WeakMap();

export async function start(root) {
  const elements = [...root.querySelectorAll("[data-module]")];
  if (root instanceof Element && root.matches("[data-module]")) elements.unshift(root);
  for (const element of elements) {
    const names = started.get(element) ?? new Set();
    started.set(element, names);
    for (const name of element.dataset.module.split(/\s+/)) {
      if (!name || names.has(name)) continue;
      names.add(name);
      import(`./${name}.js`)
        .then((module) => module.default(element))
        .catch((error) => console.error(`The module ${name} did not start.`, error));
    }
  }
}

start(document);
