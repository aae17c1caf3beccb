// The status line: ingest lag, newest message, new P1 incidents, and whether this page is live.
import { onCaughtUp, onEntry, onState } from "./stream.js";
import { ago, absolute, learnClock } from "./times.js";

const EVERY_MS = 5000;
const QUIET_MS = 400; // a burst of entries is one look at the counts

export function startVitals() {
  const live = document.querySelector("[data-live-state]");
  onState((state) => {
    live.hidden = false;
    live.classList.toggle("waiting", state !== "live");
    live.textContent = state === "live" ? "live" : "reconnecting …";
  });
  setInterval(() => document.hidden || look(), EVERY_MS);
  document.addEventListener("visibilitychange", () => document.hidden || look());
  let timer = null;
  const soon = () => {
    timer ??= setTimeout(() => {
      timer = null;
      countNew();
    }, QUIET_MS);
  };
  onEntry(soon);
  onCaughtUp(soon);
}

async function look() {
  const answer = await fetch("/api/v1/ingest").catch(() => null);
  const line = document.querySelector("[data-ingest]");
  if (!answer?.ok) {
    if (answer?.status === 401) location.reload();
    show(line, false, "⚠ the server does not answer");
    return;
  }
  learnClock(answer);
  const ingest = await answer.json();
  if (ingest.ready) show(line, true, "ingest lag ", lag(ingest.lag_ms));
  else show(line, false, `⚠ ingest not ready: ${ingest.reasons.join("; ")}`);
  const message = document.querySelector("[data-last-message]");
  if (ingest.last_message_at) {
    const time = message.querySelector("time") ?? message.appendChild(document.createElement("time"));
    time.dateTime = ingest.last_message_at;
    time.dataset.ago = "";
    time.title = absolute(ingest.last_message_at);
    time.textContent = ago(ingest.last_message_at);
  }
}

function show(line, good, text, figure) {
  line.classList.toggle("bad", !good);
  const strong = document.createElement("b");
  strong.textContent = figure ?? "";
  line.replaceChildren(text, ...(figure ? [strong] : []));
}

function lag(ms) {
  if (ms === null) return "—";
  return ms < 10000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.floor(ms / 1000)}s`;
}

async function countNew() {
  const answer = await fetch("/api/v1/incidents/counts?state=new&priority=P1").catch(() => null);
  if (!answer?.ok) return;
  const { total } = await answer.json();
  const pill = document.querySelector("[data-pill]");
  pill.hidden = total === 0;
  pill.querySelector("[data-pill-text]").textContent = `${total} new P1`;
  document.title = document.title.replace(/^(\(\d+\) )?/, total ? `(${total}) ` : "");
}
