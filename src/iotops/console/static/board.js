// The board: j k a m x on the rows, a bar for all that are selected, and news that never move what is pointed at.
import { act, toast } from "./act.js";
import { bind } from "./keys.js";
import { fetchPage, followWith, isBusy, soon, swap } from "./live.js";
import { retell } from "./times.js";

const list = () => document.getElementById("list");
const rows = () => [...list().querySelectorAll("tbody tr")];
const rowOf = (element) => element?.closest?.("tbody tr") ?? null;
const current = () => rowOf(document.activeElement) ?? list().querySelector("tbody tr:hover");
const selected = () => rows().filter((row) => row.querySelector("[name=number]")?.checked);

/* Keyboard */
function move(by) {
  const all = rows();
  const at = all.indexOf(rowOf(document.activeElement));
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))];
  next?.querySelector(".what").focus();
  next?.scrollIntoView({ block: "nearest" });
}

async function doOn(targets, action, body) {
  const able = targets.filter((row) => row.dataset.actions.split(" ").includes(action));
  if (!able.length) {
    if (targets.length) toast(`${targets[0].id}: ${action} is not possible now`, true);
    return;
  }
  const faults = (await Promise.all(able.map((row) => act(row.id, action, body, row.dataset.version)))).filter(Boolean);
  const done = able.length - faults.length;
  const word = { acknowledge: "acknowledged", assign: "assigned" }[action] ?? action;
  if (faults.length) toast(faults.join(" "), true);
  else toast(done === 1 ? `${able[0].id} ${word}` : `${done} incidents ${word}`);
  soon();
}

const targets = () => (selected().length ? selected() : [current()].filter(Boolean));

function assign() {
  const meant = targets();
  const dialog = document.getElementById("assign");
  if (!meant.length || !dialog) return;
  dialog.querySelector("[data-assign-what]").textContent = meant.length === 1 ? meant[0].id : `${meant.length} incidents`;
  dialog.returnValue = "";
  dialog.onclose = () => {
    if (dialog.returnValue !== "assign") return;
    const form = new FormData(dialog.querySelector("form"));
    const body = Object.fromEntries([...form].filter(([, value]) => value.trim()));
    doOn(meant, "assign", body);
  };
  dialog.showModal();
  dialog.querySelector("input").select();
}

function choose(row) {
  const box = row?.querySelector("[name=number]");
  if (!box) return;
  box.checked = !box.checked;
  countSelected();
}

bind("j", "Next incident", () => move(1));
bind("k", "Previous incident", () => move(-1));
bind("Enter", "Open it", (event) => {
  const link = event.target.closest("a, button, summary, input") ? null : current()?.querySelector(".what");
  if (link) link.click();
  else event.target.closest("a, button, summary, input")?.click();
});
if (document.getElementById("rows")) {
  bind("a", "Acknowledge it, or all that are selected", () => doOn(targets(), "acknowledge"));
  bind("m", "Assign it, or all that are selected", assign);
  bind("x", "Select it", () => choose(current()));
}
bind("n", "Show what is new", () => showNews());

/* Selection */
let wholeView = false;

function countSelected() {
  const bar = document.getElementById("bulk");
  if (!bar) return;
  const on_page = selected().length;
  const total = Number(list().dataset.total);
  if (on_page < rows().length) wholeView = false;
  const count = wholeView ? total : on_page;
  bar.hidden = count === 0;
  bar.querySelector("[data-selected]").textContent = count;
  bar.querySelector("[data-expected]").value = count;
  bar.querySelector("[data-scope]").value = wholeView ? "view" : "selected";
  const offer = bar.querySelector("[data-select-view]");
  offer.hidden = wholeView || on_page < rows().length || total <= on_page;
  offer.querySelector("[data-view-total]").textContent = total;
  const all = list().querySelector("[data-select-all]");
  if (all) all.checked = on_page > 0 && on_page === rows().length;
}

function selectAll(wanted) {
  for (const box of list().querySelectorAll("[name=number]")) box.checked = wanted;
  countSelected();
}

document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-select-all]")) selectAll(target.checked);
  else if (target.matches("[name=number]")) countSelected();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && selected().length && !document.querySelector("dialog[open]")) selectAll(false);
});
document.addEventListener("click", (event) => {
  const { target } = event;
  if (target.closest("[data-select-none]")) selectAll(false);
  if (target.closest("[data-select-view]")) {
    wholeView = true;
    countSelected();
  }
  if (target.closest("[data-show-news]")) showNews();
  const button = target.closest("[data-do]");
  if (button) {
    event.preventDefault(); // without this script the form does the same
    doOn([rowOf(button)], button.dataset.do, button.name ? { [button.name]: button.value } : {});
  }
});
addEventListener("pageshow", countSelected); // a browser that goes back remembers what was ticked

/* News */
const EVERY_MS = 20000; // promises run out without anything happening
setInterval(() => document.hidden || soon(), EVERY_MS);
let newest = null; // the page as the server has it, where ours may not be swapped

followWith((page) => {
  for (const id of ["counts", "rail", "total"]) if (!isBusy(document.getElementById(id))) swap(page, id);
  if (!isBusy(list()) && !selected().length) {
    take(page);
    return;
  }
  newest = page;
  patch(page);
});

function take(page) {
  newest = null;
  swap(page, "list");
  document.getElementById("news").hidden = true;
  countSelected();
}

async function showNews() {
  const page = newest ?? (await fetchPage());
  const focused = rowOf(document.activeElement)?.id;
  if (page) take(page);
  document.getElementById(focused)?.querySelector(".what").focus({ preventScroll: true });
}

/** Tell each row anew where it stands; rows that came or went wait for a click. */
function patch(page) {
  const fresh = new Map([...page.querySelectorAll("#list tbody tr")].map((row) => [row.id, row]));
  for (const row of rows()) {
    const now = fresh.get(row.id);
    row.classList.toggle("gone", !now);
    if (now && now.innerHTML !== row.innerHTML) patchRow(row, now);
    fresh.delete(row.id);
  }
  const button = document.querySelector("[data-show-news]");
  button.textContent = fresh.size ? `${fresh.size} new` : "Show changes";
  const changed = fresh.size > 0 || rows().some((row) => row.classList.contains("gone"));
  document.getElementById("news").hidden = !changed;
}

function patchRow(row, now) {
  row.className = now.className;
  Object.assign(row.dataset, now.dataset);
  [...row.cells].forEach((cell, place) => {
    const other = now.cells[place];
    const keeps = cell.contains(document.activeElement) || cell.querySelector("input");
    if (other && !keeps && cell.innerHTML !== other.innerHTML) {
      cell.replaceChildren(...document.adoptNode(other.cloneNode(true)).childNodes);
    }
  });
  retell(row);
}
