// The keyboard: pages say which keys they know, `?` lists them. Keys are silent while somebody types, and can be
// switched off for good (WCAG 2.1.4): speech input and stray fingers press them, too.
const SWITCH = "iotops-keys";
const bound = new Map(); // key -> { label, run }

/** Let a key do something; `label` is what the help says. */
export function bind(key, label, run) {
  bound.set(key, { label, run });
}

export function startKeys() {
  const help = document.querySelector("#keys");
  bind("/", "Search", () => document.querySelector("[data-search]")?.select());
  if (help) bind("?", "This list", () => open(help));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target.matches("[data-search]")) event.target.blur();
    if (!heard(event)) return;
    const found = bound.get(event.key);
    if (!found) return;
    event.preventDefault();
    found.run(event);
  });
  for (const button of document.querySelectorAll("[data-open-keys]")) button.addEventListener("click", () => open(help));
  const toggle = help?.querySelector("[data-keys-on]");
  if (toggle) {
    toggle.checked = isOn();
    toggle.addEventListener("change", () => localStorage.setItem(SWITCH, toggle.checked ? "on" : "off"));
  }
}

function heard(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return false;
  if (document.querySelector("dialog[open]")) return false;
  if (event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")) return false;
  return isOn() || event.key === "?";
}

function isOn() {
  return localStorage.getItem(SWITCH) !== "off";
}

function open(help) {
  const list = help.querySelector("[data-keys]");
  list.replaceChildren(
    ...[...bound].flatMap(([key, { label }]) => {
      const name = document.createElement("dt");
      const text = document.createElement("dd");
      const cap = document.createElement("kbd");
      cap.textContent = key;
      name.append(cap);
      text.textContent = label;
      return [name, text];
    }),
  );
  help.showModal();
}
