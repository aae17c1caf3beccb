// My work where the network comes and goes: what was pressed is kept on this device and sent when it can be, once.
import { toast } from "./act.js";
import { soon } from "./live.js";

const KEPT = "iotops-queue";
const AGAIN_MS = 5000;
const LEFT_OUT = new Set(["csrf", "once", "back"]);
let sending = false;

const waiting = () => JSON.parse(localStorage.getItem(KEPT) ?? "[]");
const keep = (queue) => localStorage.setItem(KEPT, JSON.stringify(queue));

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-queue]");
  if (!form) return;
  event.preventDefault();
  const fields = [...new FormData(form)].filter(([name, value]) => !LEFT_OUT.has(name) && value.trim());
  // The key makes a second try harmless, whether or not the first one's answer was lost on the way.
  keep([...waiting(), { path: form.dataset.queue, body: Object.fromEntries(fields), key: crypto.randomUUID() }]);
  form.closest(".job")?.classList.add("sent");
  for (const button of form.querySelectorAll("button")) button.disabled = true;
  send();
});

async function send() {
  if (sending) return;
  sending = true;
  for (let [first] = waiting(); first; [first] = waiting()) {
    const answer = await post(first).catch(() => null);
    if (!answer || answer.status >= 500 || [401, 429].includes(answer.status)) break; // it stays, in its order
    keep(waiting().filter(({ key }) => key !== first.key));
    if (!answer.ok) toast((await answer.json().catch(() => null))?.detail ?? `Refused: ${first.path}`, true);
    document.activeElement?.blur?.(); // a part that somebody works in is not swapped
    soon();
  }
  sending = false;
  tell();
}

function post({ path, body, key }) {
  const csrf = document.querySelector("input[name=csrf]")?.value ?? "";
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": csrf, "Idempotency-Key": key };
  return fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
}

function tell() {
  const count = waiting().length;
  const said = document.getElementById("queue");
  said.hidden = !count;
  said.textContent = count ? `${count} waiting for the network; kept on this device and sent once, when it is back` : "";
}

addEventListener("online", send);
setInterval(() => waiting().length && send(), AGAIN_MS);
tell();
send();
