// The page of a device: its chart redrawn with as many buckets as the screen has, and its values as they come.
import { drawChart } from "./chart.js";
import { retell } from "./times.js";

const EVERY_MS = 5000;

for (const form of document.querySelectorAll("[data-chart-form]")) {
  form.addEventListener("change", () => form.requestSubmit());
}

const figure = document.querySelector("[data-chart]");
if (figure) drawChart(figure, [...document.querySelectorAll("[data-band]")]);

const values = document.querySelector("[data-values]");
if (values) setInterval(() => document.hidden || refreshValues(), EVERY_MS);

async function refreshValues() {
  const answer = await fetch(values.dataset.values).catch(() => null);
  if (!answer?.ok) return;
  for (const { metric, value, at } of (await answer.json()).items) {
    const shown = values.querySelector(`[data-value="${CSS.escape(metric)}"]`);
    const time = shown?.closest("dd").querySelector("time");
    if (!time || time.dateTime === at) continue;
    shown.textContent = typeof value === "number" ? String(Number(value.toPrecision(6))) : String(value);
    time.dateTime = at;
    time.title = new Date(at).toLocaleString();
    retell(values);
  }
}
