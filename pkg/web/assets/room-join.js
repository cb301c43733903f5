// Coming in: the platform's script, and the credentials that a ticket buys.
const patience = 20_000; // ms

let loading = null;

// platform loads the platform's script, once. It is not part of the page, so that
// nothing in the address bar is there any more when it looks.
export function platform(url) {
  loading ||= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => (typeof OT === "undefined" ? script.onerror() : done());
    script.onerror = () => {
      script.remove();
      loading = null;
      failed(new Error("the platform's script was not loaded"));
    };
    document.head.append(script);
  });
  return loading;
}

// join gives the credentials that the ticket buys, or the code and the words of a
// refusal, after how many seconds the server wants to be asked again, 0 where it
// did not say, and at what time it said so. No answer is "unavailable", and so is one
// that something between here and the doorkeeper gave in its place.
export async function join(room, ticket) {
  try {
    const answer = await fetch(`/v1/rooms/${encodeURIComponent(room)}/join`, {
      method: "POST", cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(patience),
      headers: { Authorization: `Bearer ${ticket}`, "Content-Type": "application/json" }, body: "{}",
    });
    const body = await answer.json();
    if (answer.ok && body.sessionId) return { admission: body };
    const at = Date.parse(answer.headers.get("Date")) || Date.now();
    const code = answer.ok || answer.status >= 500 ? "unavailable" : answer.status === 429 ? "too-many-requests" : body.code;
    return { code, detail: body.detail, after: Number(answer.headers.get("Retry-After")) || 0, at };
  } catch {
    return { code: "unavailable", after: 0 };
  }
}

// serverTime asks what time it is there; null where nobody answers.
export async function serverTime() {
  try {
    const answer = await fetch("/healthz", { cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(patience) });
    const at = Date.parse(answer.headers.get("Date"));
    return Number.isNaN(at) ? null : at + 500; // it says whole seconds
  } catch {
    return null;
  }
}

// reachable reports whether the page itself would be answered.
export async function reachable() {
  try {
    await fetch(location.href, { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(patience) });
    return true;
  } catch {
    return false;
  }
}
