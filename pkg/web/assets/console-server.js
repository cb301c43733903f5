// How the console talks to its server. The token lives in this script's memory alone:
// it is never stored, never in an address, and goes only into Authorization.
let token = "";
let askedAt = -Infinity;
let ahead = Date.now() - performance.now();

// now is the server's time; the visitor's clock may be wrong.
export const now = () => ahead + performance.now();

// Refusal is an answer that says no, in the server's own words.
export class Refusal extends Error {
  constructor(status, problem, after) {
    super(problem.detail || problem.title || String(status));
    this.status = status;
    this.code = problem.code ?? "";
    this.fields = problem.fields ?? (problem.field ? [problem.field] : []);
    this.after = after * 1000 || 0;
  }
}

// Away is no answer, or none of Usher's.
export class Away extends Error {}

// never is the answer for somebody who has signed out meanwhile.
const never = () => new Promise(() => {});

export const signIn = (given) => { token = given; };

// asked is when the last request left, by this page's own clock.
export const asked = () => askedAt;

// onlyRoom is the room that the token is good for, where it is one room's. What the token
// really is good for the server decides.
export function onlyRoom() {
  try {
    const body = token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
    return JSON.parse(atob(body)).room || "";
  } catch {
    return "";
  }
}

export const path = (room, rest = "") => `/v1/rooms/${encodeURIComponent(room)}${rest}`;

// send makes a request and gives the answer, which is a good one.
async function send(where, { method = "GET", body, headers = {} } = {}) {
  const mine = token;
  askedAt = performance.now();
  let answer;
  try {
    answer = await fetch(where, {
      method, body, cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(20000),
      headers: { Authorization: `Bearer ${mine}`, ...headers },
    });
  } catch {
    return mine === token ? Promise.reject(new Away()) : never();
  }
  if (mine !== token) return never();
  ahead = (Date.parse(answer.headers.get("Date")) || now()) - performance.now();
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => null);
  if (!problem) throw new Away();
  throw new Refusal(answer.status, problem, Number(answer.headers.get("Retry-After")));
}

async function bodyOf(answer, read) {
  const mine = token;
  const body = answer.status === 204 ? null : await answer[read]().catch(() => { throw new Away(); });
  return mine === token ? body : never();
}

export const get = async (where) => bodyOf(await send(where), "json");

export const file = async (where) => bodyOf(await send(where), "blob");

export const post = async (where, value, method = "POST") => bodyOf(await send(where, { method, body: value && JSON.stringify(value) }), "json");

// tagged is a room with the tag of its policy.
async function tagged(answer) {
  return { ...(await bodyOf(answer, "json")), tag: answer.headers.get("ETag") };
}

export const room = async (name) => tagged(await send(path(name)));

// put puts a policy, on that condition.
export const put = async (name, policy, headers) =>
  tagged(await send(path(name), { method: "PUT", headers, body: JSON.stringify(policy) }));
