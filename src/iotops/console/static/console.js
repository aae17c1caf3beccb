// Live pages: the server renders, this file only asks for the page again when something happened.
"use strict";

const QUIET_MS = 300; // a burst of entries is one refresh
const STATUS_MS = 5000; // ingest lag and last message move without timeline entries

const live = document.querySelector("[data-live]");
let timer = null;

async function fetchPage() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (answer.redirected) location.reload(); // the session ended: the server shows the sign-in page
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function swap(page, selector) {
  const here = document.querySelector(selector);
  const fresh = page.querySelector(selector);
  if (here && fresh) here.replaceWith(document.adoptNode(fresh));
}

async function refresh() {
  timer = null;
  const page = await fetchPage();
  swap(page, "#ingest");
  const region = document.querySelector("[data-live]");
  if (region.matches(":hover") || region.contains(document.activeElement)) {
    const waiting = document.querySelector("#waiting"); // nothing moves under the cursor
    if (waiting && page.querySelector("[data-live]").innerHTML !== region.innerHTML) waiting.hidden = false;
    if (waiting) return;
  }
  swap(page, "[data-live]");
  swap(page, "#waiting");
  swap(page, ".actions:not(:focus-within)");
}

function refreshSoon() {
  timer ??= setTimeout(() => refresh().catch(() => {}), QUIET_MS); // offline: the stream reconnects and asks again
}

function concerns(event) {
  const wanted = live.dataset.incident;
  return !wanted || JSON.parse(event.data).incident === wanted;
}

if (live) {
  const stream = new EventSource("/api/v1/stream");
  stream.addEventListener("entry", (event) => concerns(event) && refreshSoon());
  setInterval(async () => {
    if (document.visibilityState === "visible") {
      await fetchPage().then((page) => swap(page, "#ingest")).catch(() => {});
    }
  }, STATUS_MS);
}
