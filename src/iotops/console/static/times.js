// Ages move on, and what stands in UTC is told in the operator's own time zone.
const STEPS = [[86400, "d"], [3600, "h"], [60, "m"], [1, "s"]];
const EVERY_MS = 1000;
const ABSOLUTE = new Intl.DateTimeFormat(undefined, {
  weekday: "short", day: "numeric", month: "short", year: "numeric",
  hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short", hourCycle: "h23",
});
let ahead_ms = 0; // of the server's clock; set from its answers, so that a wrong clock here tells no wrong ages

/** How long ago an instant was, in its largest unit: as the server says it. */
export function ago(instant) {
  const seconds = (Date.now() - ahead_ms - Date.parse(instant)) / 1000;
  const step = STEPS.find(([size]) => seconds >= size);
  return step ? `${Math.floor(seconds / step[0])}${step[1]}` : "now";
}

export function absolute(instant) {
  return ABSOLUTE.format(new Date(instant));
}

/** Learn the difference of the clocks from an answer's Date header. */
export function learnClock(answer) {
  const date = Date.parse(answer.headers.get("date") ?? "");
  if (Number.isFinite(date) && Math.abs(Date.now() - date) > 2000) ahead_ms = Date.now() - date;
}

export function startTimes() {
  retell(document);
  setInterval(() => document.hidden || tick(document), EVERY_MS);
}

/** Tell the times of a part of the page that has just come from the server. */
export function retell(part) {
  for (const each of part.querySelectorAll("time[datetime]")) {
    const text = absolute(each.dateTime);
    if (each.hasAttribute("data-at")) each.textContent = text;
    else if (each.title) each.title = text;
  }
  tick(part);
}

function tick(part) {
  for (const each of part.querySelectorAll("time[data-ago]")) {
    const text = ago(each.dateTime);
    if (each.textContent !== text) each.textContent = text;
  }
}
