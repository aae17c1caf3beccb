// Acting on incidents through the API, and saying what came of it.
const csrf = () => document.querySelector("input[name=csrf]")?.value ?? "";

/**
 * Do one action. `version` is the one that the operator saw: where somebody was faster, nothing is done.
 * Resolves to null where it was done, else to what the API says against it.
 */
export async function act(number, action, body = {}, version = null) {
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": csrf(), "Idempotency-Key": crypto.randomUUID() };
  if (version) headers["If-Match"] = `"${version}"`;
  const address = `/api/v1/incidents/${encodeURIComponent(number)}/${action}`;
  const answer = await fetch(address, { method: "POST", headers, body: JSON.stringify(body) }).catch(() => null);
  if (answer?.ok) return null;
  if (answer?.status === 412) return `${number} was changed by somebody else in between. Look at it again, then decide.`;
  const problem = await answer?.json().catch(() => null);
  return problem?.detail ?? "The server does not answer. Nothing was done; try again.";
}

/** Say something for a few seconds, also to screen readers. */
export function toast(text, isBad = false) {
  document.querySelector(".toast")?.remove();
  const said = document.createElement("div");
  said.className = isBad ? "toast bad" : "toast";
  said.setAttribute("role", isBad ? "alert" : "status");
  said.textContent = text;
  document.body.append(said);
  setTimeout(() => said.remove(), isBad ? 12000 : 5000);
}
