// The page of one incident: one form open at a time, keys for what is done most, ticks that last on this machine.
import { bind } from "./keys.js";
import { retell } from "./times.js";

const number = () => document.getElementById("actions")?.dataset.live;

function trigger(action) {
  const control = document.querySelector(`[data-action="${action}"]`);
  if (!control) return;
  control.click();
  control.closest("details")?.querySelector("input:not([type=hidden]), select, textarea")?.focus();
}

bind("a", "Acknowledge", () => trigger("acknowledge"));
bind("m", "Assign", () => trigger("assign"));
bind("r", "Resolve", () => trigger("resolve"));
bind("c", "Write a note", () => document.getElementById("note")?.focus());

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const open of document.querySelectorAll("details.action[open]")) open.open = false;
});

/* Runbook */
const ticks = () => `iotops-steps:${number()}`;

function restore() {
  const kept = new Set(JSON.parse(localStorage.getItem(ticks()) ?? "[]"));
  for (const box of document.querySelectorAll("[data-step]")) box.checked = kept.has(box.dataset.step);
}

document.addEventListener("change", ({ target }) => {
  if (!target.matches("[data-step]")) return;
  const done = [...document.querySelectorAll("[data-step]:checked")].map((box) => box.dataset.step);
  localStorage.setItem(ticks(), JSON.stringify(done));
});
document.addEventListener("iotops:swapped", restore);
restore();
retell(document);
