// Light, dark, or as the system is. The choice is a cookie, so that the server renders it and nothing flashes.
const YEAR_S = 365 * 86400;

export function startTheme() {
  remember("iotops_zone", Intl.DateTimeFormat().resolvedOptions().timeZone);
  for (const choice of document.querySelectorAll("[data-theme-choice]")) {
    choice.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) choose(button.value, choice);
    });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", announce);
}

/** The colour that a design token has now, as `rgb(...)`: for canvases, which know no CSS. */
export function colourOf(token) {
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  probe.style.color = `var(${token})`; // through the CSSOM: the content security policy forbids only attributes
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

/** Call back whenever the colours change. */
export function onThemeChange(callback) {
  document.addEventListener("iotops:theme", callback);
}

function choose(theme, choice) {
  remember("iotops_theme", theme);
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  for (const each of choice.querySelectorAll("button")) each.setAttribute("aria-pressed", String(each.value === theme));
  announce();
}

function announce() {
  document.dispatchEvent(new CustomEvent("iotops:theme"));
}

function remember(name, value) {
  document.cookie = `${name}=${encodeURIComponent(value)}; Path=/; Max-Age=${YEAR_S}; SameSite=Lax`;
}
