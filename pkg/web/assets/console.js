// The operator's console. The token lives in this script's memory alone: it is
// never stored, never in an address, and goes only into Authorization.
const byId = (id) => document.getElementById(id);
const rows = byId("rooms").tBodies[0];
let token = "";
let next = "";

function state(name, text) {
  byId("status").dataset.state = name;
  byId("status").textContent = text;
}

async function call(path) {
  const answer = await fetch(path, {
    headers: { Authorization: `Bearer ${token}` }, cache: "no-store", credentials: "omit",
  });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail || body.title);
  return body;
}

function cell(row, content) {
  const at = row.insertCell();
  if (content instanceof Node) at.append(content);
  else at.textContent = content;
}

function show(room) {
  const link = document.createElement("a");
  link.href = `/room/${encodeURIComponent(room.room)}`;
  link.textContent = room.room;
  const row = rows.insertRow();
  cell(row, link);
  cell(row, room.outcome ? `${room.status} (${room.outcome})` : room.status);
  for (const count of [room.seats, room.promised, room.waiting]) cell(row, String(count));
  cell(row, room.endsAt ? new Date(room.endsAt).toLocaleString() : "–");
}

async function list(after) {
  const asked = token;
  state("loading", "Reading the rooms …");
  try {
    const page = await call(`/v1/rooms?limit=100&after=${encodeURIComponent(after)}`);
    if (asked !== token) return;
    page.rooms.forEach(show);
    next = page.next;
    byId("rooms").hidden = false;
    byId("more").hidden = page.rooms.length < 100;
    state("listed", rows.rows.length === 1 ? "1 room" : `${rows.rows.length} rooms`);
  } catch (error) {
    if (asked === token) state("refused", error.message);
  }
}

function forget() {
  token = next = "";
  rows.replaceChildren();
  byId("rooms").hidden = byId("more").hidden = byId("forget").hidden = true;
  state("idle", "");
}

function enter(typed) {
  forget();
  token = typed.trim();
  byId("token").value = "";
  byId("forget").hidden = false;
  list("");
}

// fromFragment takes a token out of the address bar before it is used.
function fromFragment() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  if (given) enter(given);
}

byId("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  enter(byId("token").value);
});
byId("forget").addEventListener("click", forget);
byId("more").addEventListener("click", () => list(next));
addEventListener("hashchange", fromFragment);
fromFragment();
