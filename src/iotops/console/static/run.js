// A backtest that goes on: its part of the page is fetched again until it is done.
import { fetchPage, swap } from "./live.js";

const EVERY_MS = 1000;

function follow() {
  if (!document.querySelector("[data-running]")) return;
  setTimeout(async () => {
    const page = await fetchPage();
    if (page) swap(page, "run");
    follow();
  }, EVERY_MS);
}

follow();
