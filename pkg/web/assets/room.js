// The page of a room. It connects with the credentials that it carries, or
// that a ticket buys, shows everyone, and says in words what happens. What it
// does, any script can do with the same credentials.
import texts from "./texts-room.js";

const { room, mode } = document.body.dataset;
const byId = (id) => document.getElementById(id);
const status = byId("status");

function say(text) {
  const line = document.createElement("li");
  line.textContent = `${new Date().toLocaleTimeString()}  ${text}`;
  byId("log").prepend(line);
}

// state shows where the visitor stands: for people in words, for programs in
// data-state.
function state(name, text, again = false) {
  status.dataset.state = name;
  status.textContent = text;
  byId("again").hidden = !again;
  say(text);
}

// --- the clock ------------------------------------------------------------

let ends = 0; // by performance.now(), in ms; 0: not known

function tick() {
  const left = Math.max(0, Math.round((ends - performance.now()) / 1000));
  byId("time").hidden = ends === 0;
  byId("time").textContent = `Time left: ${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
}
setInterval(tick, 1000);

function until(seconds) {
  ends = Number.isFinite(seconds) ? performance.now() + seconds * 1000 : 0;
  tick();
}

function inWords(seconds) {
  return seconds >= 120 ? `${Math.round(seconds / 60)} minutes` : `${seconds} seconds`;
}

// --- what the doorkeeper says -----------------------------------------------

const heard = new Set();

// fromUsher gives what a signal says, or null where a peer sent it, it was
// heard before, or it says nothing. Only the server's signals have no sender.
function fromUsher(event) {
  if (event.from !== null) return null;
  let data;
  try {
    data = JSON.parse(event.data);
  } catch {
    return null;
  }
  if (data === null || typeof data !== "object" || typeof data.id !== "string" || heard.has(data.id)) return null;
  heard.add(data.id);
  return data;
}

const reasons = {
  admin: "It was ended by who runs the room.",
  completed: "Its time is up.",
  deadline: "Its time is up.",
  "lesson-over": "Its time is up.",
  "no-show": "Not everyone came in time.",
};

let ended = false;

function onEnded(data) {
  ended = true;
  until(NaN);
  state("ended", `The lesson is over. ${reasons[data.reason] || `Reason: ${data.reason}.`}`, mode === "demo");
}

function onWarning(data) {
  until(data.secondsLeft);
  say(`The lesson ends in ${inWords(data.secondsLeft)}.`);
}

// Why somebody has to go, as the log of the room has it too.
const farewells = {
  admin: "You were asked to leave.",
  "duplicate-user": "You are in the room with another window or device.",
  "lesson-over": "The lesson is over.",
  "no-ticket": "You did not come with a ticket for this room.",
  "not-allowed": "You are not on the list of those who may come into this room.",
  removed: "You were removed from this room, and may not come back yet.",
  "room-full": "The room is full.",
  "too-early": "The room is not open yet.",
};

let refused = "";

function onRefused(data) {
  const stream = /^(camera|screen|custom|audio)-not-allowed$/.exec(data.reason);
  refused = farewells[data.reason] || (stream ? `You may not show your ${stream[1]} here.` : `Reason: ${data.reason}.`);
}

function onStarted(data) {
  until(data.secondsLeft === null ? NaN : data.secondsLeft);
  say("The lesson has started.");
}

function onPaused() {
  until(NaN);
  say("The clock stands still until everybody who is needed is back.");
}

function onResumed(data) {
  until(data.secondsLeft === null ? NaN : data.secondsLeft);
  say("The clock counts on.");
}

function onExtended(data) {
  until(data.secondsLeft);
  say(`The end was moved: ${inWords(data.secondsLeft)} left.`);
}

// --- taking part ----------------------------------------------------------------

let session = null;
let publisher = null;

function onUnpublish(data) {
  const own = publisher && publisher.stream && publisher.stream.streamId;
  if (!publisher || (own && own !== data.streamId)) return;
  session.unpublish(publisher);
  publisher = null;
  say(`You may not show your ${data.kind} here, so it was switched off.`);
}

function onDisconnected(event) {
  session = publisher = null;
  until(NaN);
  if (ended) return;
  if (event.reason === "forceDisconnected") {
    state("disconnected", `The doorkeeper disconnected you. ${refused || "The room was full, or you were asked to leave."}`, mode === "demo");
  } else if (event.reason === "networkDisconnected") {
    state("disconnected", "The connection was lost.", mode === "demo");
  } else {
    state("disconnected", "You have left.", mode === "demo");
  }
}

const box = { insertMode: "append", width: "100%", height: "100%" };

function publish() {
  let told = false;
  const failed = (error) => {
    if (!error || told) return;
    told = true;
    publisher = null;
    say(`You are in, but nobody sees or hears you: ${error.message || "no camera or microphone"}`);
  };
  publisher = OT.initPublisher("me", box, failed);
  session.publish(publisher, failed);
}

function listen() {
  session.on("sessionDisconnected", onDisconnected);
  session.on("streamCreated", (event) => {
    session.subscribe(event.stream, "people", box, (error) => {
      if (error) say(`Somebody cannot be shown: ${error.message}`);
    });
  });
  const signals = {
    started: onStarted, paused: onPaused, resumed: onResumed, warning: onWarning, extended: onExtended,
    ended: onEnded, unpublish: onUnpublish, refused: onRefused,
  };
  for (const [name, handle] of Object.entries(signals)) {
    session.on(`signal:usher-${name}`, (event) => {
      const data = fromUsher(event);
      if (data) handle(data);
    });
  }
}

function connect(credentials) {
  if (typeof OT === "undefined") {
    state("failed", "The video script could not be loaded. Is something blocking it?", true);
    return;
  }
  ended = false;
  state("connecting", texts.connecting);
  session = OT.initSession(credentials.applicationId || credentials.apiKey, credentials.sessionId);
  listen();
  session.connect(credentials.token, (error) => {
    if (error) {
      session = null;
      state("failed", `You could not be connected: ${error.message}`, mode === "demo");
      return;
    }
    if (!session || ended) return; // sent away meanwhile
    state("connected", "You are in.");
    publish();
  });
}

// --- by ticket --------------------------------------------------------------------

const refusals = {
  "lesson-over": ["lesson-over", "The lesson is over."],
  unauthorized: ["refused", "This ticket is not good, or no longer. Ask for another link."],
  "wrong-scope": ["refused", "This is not a ticket. Ask for another link."],
  "wrong-room": ["refused", "This ticket is for another room."],
  "no-such-room": ["no-such-room", "There is no such room."],
  "duplicate-user": ["refused", "You are in this room already."],
  "not-allowed": ["refused", "You are not on the list for this room."],
  removed: ["refused", "You were asked to leave and may not come back yet."],
};

const waits = {
  "room-full": ["room-full", "The room is full. This page tries again by itself."],
  "too-early": ["too-early", "The room is not open yet. This page tries again by itself."],
  "too-many-requests": ["unavailable", "Too many people knock at once. This page tries again by itself."],
  "platform-unavailable": ["unavailable", "The room cannot be reached. This page tries again by itself."],
  unavailable: ["unavailable", "The room cannot be reached. This page tries again by itself."],
};

let trying = 0; // a newer ticket stops the tries of the one before

async function ask(ticket) {
  const answer = await fetch(`/v1/rooms/${encodeURIComponent(room)}/join`, {
    method: "POST", cache: "no-store", credentials: "omit",
    headers: { Authorization: `Bearer ${ticket}`, "Content-Type": "application/json" }, body: "{}",
  });
  const body = await answer.json();
  const after = Number(answer.headers.get("Retry-After")) || 5;
  return answer.ok ? { credentials: body } : { code: body.code, detail: body.detail, after: Math.min(after, 60) };
}

async function join(ticket, turn) {
  let got;
  try {
    got = await ask(ticket);
  } catch {
    got = { code: "unavailable", after: 5 };
  }
  if (turn !== trying) return;
  if (got.credentials) {
    connect(got.credentials);
  } else if (waits[got.code]) {
    if (status.dataset.state !== waits[got.code][0]) state(...waits[got.code]);
    setTimeout(() => turn === trying && join(ticket, turn), got.after * 1000);
  } else {
    state(...(refusals[got.code] || ["refused", got.detail || "You cannot come in."]));
  }
}

// takeTicket removes the ticket from the address bar before it is used.
function takeTicket() {
  const ticket = new URLSearchParams(location.hash.slice(1)).get("ticket");
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  if (ticket && !session) join(ticket, ++trying);
  else if (!ticket && !session && !trying) state("no-ticket", "This room needs a ticket: open the link that you were sent.");
}

// --- begin ---------------------------------------------------------------------------

if (mode === "later") {
  if (document.prerendering) document.addEventListener("prerenderingchange", () => location.reload(), { once: true });
  else location.reload();
} else if (mode === "ticket") {
  addEventListener("hashchange", takeTicket);
  takeTicket();
} else {
  connect(JSON.parse(byId("credentials").textContent));
}
