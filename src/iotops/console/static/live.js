// Parts of a page that follow the timeline: the server renders, this fetches the page again and swaps the part.
//
// <div id="..." data-live>: swapped after any entry; data-live="INC-000007": after entries of that incident only.
// Nothing moves under the cursor: a part that somebody points at or works in stays, and a button offers the news.
import { onCaughtUp, onEntry } from "./stream.js";
import { retell } from "./times.js";

const QUIET_MS = 300; // a burst of entries is one refresh
const AT_MOST_EVERY_MS = 1000;
let timer = null;
let refreshed_ms = 0;
let refresh = refreshParts;

/** Let a page do more than swap its parts: `refresher(page)` gets the page as it is now on the server. */
export function followWith(refresher) {
  refresh = refresher;
}

export function startLive() {
  const parts = () => [...document.querySelectorAll("[data-live]")];
  onEntry((entry) => parts().some((part) => ["", entry.incident].includes(part.dataset.live)) && soon());
  onCaughtUp(() => parts().length && soon());
}

/** Fetch the page again, once, a moment from now. */
export function soon() {
  const wait_ms = Math.max(QUIET_MS, refreshed_ms + AT_MOST_EVERY_MS - Date.now());
  timer ??= setTimeout(async () => {
    timer = null;
    refreshed_ms = Date.now();
    const page = await fetchPage();
    if (page) refresh(page);
  }, wait_ms);
}

/** The page as it is now on the server; null where it cannot be had. */
export async function fetchPage(address = location.href) {
  const answer = await fetch(address, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok) return null;
  if (answer.redirected && new URL(answer.url).pathname === "/sign-in") {
    location.reload(); // the session ended
    return null;
  }
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

/** Put a part of another page in the place of ours. */
export function swap(page, id) {
  const here = document.getElementById(id);
  const fresh = page.getElementById(id);
  if (!here || !fresh || here.innerHTML === fresh.innerHTML) return;
  here.replaceWith(document.adoptNode(fresh));
  retell(document.getElementById(id));
  document.dispatchEvent(new CustomEvent("iotops:swapped", { detail: id }));
}

/** Say whether somebody points at a part, or works in it. */
export function isBusy(part) {
  return part.matches(":hover") || part.contains(document.activeElement) || !!part.querySelector("details[open]");
}

function refreshParts(page) {
  for (const part of document.querySelectorAll("[data-live][id]")) {
    if (!isBusy(part)) swap(page, part.id);
    else for (const freed of ["pointerleave", "focusout"]) part.addEventListener(freed, soon, { once: true });
  }
}
