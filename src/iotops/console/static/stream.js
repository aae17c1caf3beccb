// The timeline as it grows: one stream per browser, however many pages are open, and nothing skipped in between.
//
// A browser opens six connections to a server at most, so only the page that holds the lock has a stream and tells
// the others; when it is closed, the next one goes on after the last entry that it was told of.
const LOCK = "iotops-stream";
const RETRY_MS = 1000;
const listeners = { entry: new Set(), caughtUp: new Set(), state: new Set() };
const channel = "BroadcastChannel" in window ? new BroadcastChannel(LOCK) : null;
let last = null; // sequence of the newest entry known here

/** Call back with every entry, in order. */
export function onEntry(callback) {
  listeners.entry.add(callback);
}

/** Call back when the stream is open: what happened since the page was made may not have been told. */
export function onCaughtUp(callback) {
  listeners.caughtUp.add(callback);
}

/** Call back with `live` or `waiting`. */
export function onState(callback) {
  listeners.state.add(callback);
}

export function startStream() {
  channel?.addEventListener("message", ({ data }) => hear(data));
  if (navigator.locks && channel) {
    channel.postMessage({ kind: "hello" });
    navigator.locks.request(LOCK, () => new Promise(connect)); // never given back while the page lives
  } else connect();
}

function connect() {
  channel?.addEventListener("message", ({ data }) => data.kind === "hello" && tell({ kind: "state", state: now() }));
  let source = null;
  const now = () => (source?.readyState === EventSource.OPEN ? "live" : "waiting");
  const open = () => {
    source = new EventSource(last === null ? "/api/v1/stream" : `/api/v1/stream?after=${last}`);
    source.addEventListener("open", () => say({ kind: "caughtUp" }, { kind: "state", state: "live" }));
    source.addEventListener("entry", ({ data }) => say({ kind: "entry", entry: JSON.parse(data) }));
    source.addEventListener("error", () => {
      say({ kind: "state", state: "waiting" });
      if (source.readyState === EventSource.CLOSED) setTimeout(() => mayGoOn().then((may) => may && open()), RETRY_MS);
    });
  };
  addEventListener("pagehide", () => source?.close());
  open();
}

// A refusal closes a stream for good: over with the session, or an answer of a proxy while the server restarts?
async function mayGoOn() {
  const answer = await fetch("/api/v1/session").catch(() => null);
  if (answer?.status === 401) location.reload();
  return answer?.status !== 401;
}

function say(...news) {
  for (const each of news) {
    hear(each);
    tell(each);
  }
}

function tell(news) {
  channel?.postMessage(news);
}

function hear(news) {
  if (news.kind === "entry") {
    if (last !== null && news.entry.seq <= last) return;
    last = news.entry.seq;
    for (const each of listeners.entry) each(news.entry);
  } else if (news.kind === "caughtUp") for (const each of listeners.caughtUp) each();
  else if (news.kind === "state") for (const each of listeners.state) each(news.state);
}
