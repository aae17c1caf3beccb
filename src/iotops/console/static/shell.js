// What every page does: the theme, the clock, the keyboard, the stream, and parts of the page that follow it.
import { startKeys } from "./keys.js";
import { startLive } from "./live.js";
import { startStream } from "./stream.js";
import { startTheme } from "./theme.js";
import { startTimes } from "./times.js";
import { startVitals } from "./vitals.js";

document.documentElement.classList.add("scripted");
startTheme();
startTimes();
startKeys();
if (document.querySelector("[data-live-state]")) {
  startVitals();
  startLive();
  startStream();
}

for (const form of document.querySelectorAll("[data-site-choice]")) {
  form.addEventListener("change", () => form.requestSubmit());
}
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
