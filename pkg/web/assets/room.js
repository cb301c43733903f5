// The page of a room. It connects with the credentials that it carries, or
// that a ticket buys, shows everyone, says in words what happens, and comes back
// by itself where that helps. What it does, any script can do with the same
// credentials.
import texts from "./texts-room.js";
import { Clock, Lesson } from "./room-clock.js";
import { join, platform, reachable, serverTime } from "./room-join.js";
import { Media, box, whole } from "./room-media.js";
import { People } from "./room-people.js";
import { Retry } from "./retry.js";
import { listen } from "./room-signals.js";
import * as view from "./room-view.js";
import { moment, span } from "./times.js";
import { fill } from "./words.js";

const { room, mode, script } = document.body.dataset;
const byId = (id) => document.getElementById(id);

const retry = new Retry(view.next);
const people = new People();
const media = new Media(view.alert);

let ticket = ""; // in memory alone
let turn = 0; // a newer try stops what is left of the one before
let session = null;
let clock = null; // the server's
let lesson = null;
let since = 0; // when the visitor came in first, by the server's clock
let returning = false; // the place may still be held by the connection that was lost
let refused = ""; // why the doorkeeper disconnects, as it said before
let ended = false;

// --- the clock ----------------------------------------------------------------

function tick() {
  if (session && lesson) view.clock(lesson, clock.now());
}
setInterval(tick, 1000);
document.addEventListener("visibilitychange", tick);

async function doubt() {
  const now = await serverTime();
  if (now !== null) clock.set(now);
  tick();
}

function stayed() {
  return span(Math.max(1, Math.round((clock.now() - since) / 1000)));
}

// hearNow takes over the server's time, as an answer says it that came just now.
function hearNow(text) {
  const now = Date.parse(text);
  if (clock) {
    clock.set(now);
    return;
  }
  clock = new Clock(now, doubt);
  view.goBy(clock);
}

// --- what the doorkeeper says -----------------------------------------------------

function heard(data) {
  lesson.hear(data);
  tick();
}

// standing says how the lesson stands.
function standing() {
  return lesson.startedAt === null ? texts["state.connected"] : lesson.paused ? texts.paused : texts.running;
}

const handlers = {
  started(data) {
    heard(data);
    view.phase(texts.started);
  },
  paused(data) {
    heard(data);
    view.phase(standing());
  },
  resumed(data) {
    heard(data);
    view.phase(texts.resumed);
  },
  warning(data) {
    heard(data);
    view.alert(fill(texts.warning, { time: span(data.secondsLeft) }), true);
  },
  extended(data) {
    heard(data);
    const left = span(data.secondsLeft);
    const text = lesson.paused ? fill(texts.extendedPaused, { left }) : fill(texts.extended, { left, time: moment(lesson.endsAt) });
    view.alert(text, true);
  },
  ended(data) {
    ended = true;
    view.quiet();
    media.end(); // the platform disconnects in a moment, or is left
    const over = session;
    setTimeout(() => session === over && session && session.disconnect(), 5000);
    const reason = texts[`ended.${data.reason}`] || texts["ended."];
    view.state("ended", { reason, time: stayed() }, mode === "demo" ? texts.comeBack : "");
  },
  unpublish(data) {
    media.asked(data);
  },
  refused(data) {
    refused = data.reason;
  },
};

// --- in the room ----------------------------------------------------------------------

function watch() {
  listen(session, handlers);
  session.on("sessionDisconnected", onDisconnected);
  session.on("sessionReconnecting", () => view.state("reconnecting"));
  session.on("sessionReconnected", () => inside());
  session.on("connectionCreated", ({ connection }) => {
    if (session.connection && connection.connectionId === session.connection.connectionId) return;
    const { person, isNew } = people.add(connection);
    if (isNew) view.say(texts.cameIn, person.name);
  });
  session.on("connectionDestroyed", ({ connection }) => {
    const person = people.remove(connection);
    if (person) view.say(texts.wentOut, person.name);
  });
  session.on("streamCreated", ({ stream }) => {
    const { picture, name, screen } = people.show(stream);
    session.subscribe(stream, picture, screen ? whole : box, (error) => {
      if (error) view.say(fill(texts.notShown, { error: error.message }), name);
    });
  });
  session.on("streamDestroyed", ({ stream }) => people.hide(stream));
  session.on("streamPropertyChanged", ({ stream }) => people.update(stream));
}

function inside() {
  view.state("connected", { text: standing() });
  tick();
}

// places are where the own pictures stand.
function places() {
  const me = people.me(session.connection);
  return {
    me: () => ({ picture: me.picture, close() {} }),
    screen() {
      const { item, picture } = people.screen(texts.yourScreen, "");
      item.classList.add("seen", "own");
      return { picture, close: () => item.remove() };
    },
    changed: (seen) => me.item.classList.toggle("seen", seen),
  };
}

function connect(admission, mine) {
  lesson = new Lesson(admission);
  refused = "";
  people.clear();
  session = OT.initSession(admission.applicationId || admission.apiKey, admission.sessionId);
  watch();
  session.connect(admission.token, (error) => {
    if (mine !== turn) return;
    if (error) {
      session = null;
      view.state("failed", { error: error.message });
      retry.plan(0, enter);
      return;
    }
    if (!session || ended) return; // sent away meanwhile
    retry.done();
    returning = false;
    since ||= clock.now();
    inside();
    media.begin(session, places());
  });
}

function leave() {
  refused = "left";
  session.disconnect();
}

// farewell is the state of somebody whom the doorkeeper disconnected, and what its
// button says.
function farewell(reason) {
  const stream = /^(camera|screen|custom|audio)-not-allowed$/.exec(reason);
  if (stream) return ["stream-not-allowed", { kind: texts[`kind.${stream[1]}`] }, texts.comeBack];
  switch (reason) {
    case "admin": return ["asked-to-leave", {}, texts.tryAgain];
    case "removed": return ["removed"];
    case "duplicate-user": return ["duplicate", {}, texts.comeBack];
    case "lesson-over": return ["lesson-over"];
    case "not-allowed": case "no-ticket": return ["not-allowed"];
  }
  return ["disconnected", {}, texts.comeBack];
}

function onDisconnected({ reason }) {
  media.end();
  session = null;
  turn++;
  view.quiet();
  people.clear();
  if (ended) return;
  if (refused === "left") {
    view.state("left", { time: stayed() }, texts.comeBack);
  } else if (reason !== "forceDisconnected") {
    returning = true;
    wait("lost", 0);
  } else if (refused === "room-full" || refused === "too-early") {
    wait("room-full", 0); // join says more
  } else if (mode === "demo" || (refused && refused !== "removed")) {
    view.state(...farewell(refused));
  } else {
    view.state("why");
    learnWhy(refused);
  }
}

// learnWhy asks the door, where the disconnect was faster than the word of why, and
// how long a ban lasts. It may be open again: then the seat that it promises waits a
// minute for the button.
async function learnWhy(said) {
  const mine = turn;
  const got = await join(room, ticket);
  if (mine !== turn) return;
  if (got.admission) view.state(...farewell(""));
  else if (got.code === "unavailable") view.state(...farewell(said));
  else if (got.code === "duplicate-user") view.state(...farewell(got.code));
  else turnedAway(got);
}

// --- coming in ---------------------------------------------------------------------------

// wait shows a state that is over by itself, and tries again after seconds at the
// soonest.
function wait(name, after, values) {
  if (navigator.onLine === false) name = "offline";
  view.state(name, values);
  retry.plan(after, enter);
}

const waits = {
  "room-full": "room-full", "too-many-requests": "busy", unavailable: "unavailable", "platform-unavailable": "unavailable",
};
const refusals = {
  "lesson-over": "lesson-over", unauthorized: "bad-ticket", "wrong-scope": "bad-ticket", "wrong-room": "wrong-room",
  "no-such-room": "no-such-room", "not-allowed": "not-allowed",
};

function turnedAway({ code, detail, after, at }) {
  const opens = after > 0 ? moment(at + after * 1000) : "";
  if (code === "too-early" && opens) wait("too-early", after, { time: opens });
  else if (code === "removed" && opens) wait("removed", after, { text: fill(texts.removedUntil, { time: opens }) });
  else if (code === "duplicate-user" && (after > 0 || returning)) wait("in-already", after);
  else if (code === "duplicate-user") view.state("in-already", {}, texts.tryAgain);
  else if (code === "removed") view.state("removed");
  else if (refusals[code]) view.state(refusals[code]);
  else if (waits[code] || after > 0) wait(returning && code === "unavailable" ? "lost" : waits[code] || "unavailable", after);
  else view.state("refused", { detail: detail || "" }, texts.tryAgain);
}

let carried = mode === "demo" ? JSON.parse(byId("credentials").textContent) : null;
if (carried) hearNow(carried.now); // the platform's script may take its time

// admission gives what lets the visitor in, or null where somebody else goes on:
// another page of a demo room, or a later try.
async function admission(mine) {
  if (mode === "demo") {
    const got = carried;
    carried = null;
    if (got) return got;
    if (await reachable()) location.reload();
    else if (mine === turn) wait("unavailable", 0);
    return null;
  }
  const got = await join(room, ticket);
  if (mine !== turn) return null;
  if (!got.admission) {
    turnedAway(got);
    return null;
  }
  hearNow(got.admission.now);
  return got.admission;
}

async function enter() {
  const mine = ++turn;
  ended = false;
  retry.stop();
  if (!byId("status").dataset.state || byId("back").hidden === false) view.state("connecting");
  try {
    await platform(script);
  } catch {
    if (mine === turn) wait("no-script", 0, { host: new URL(script, location.href).host });
    return;
  }
  const got = mine === turn ? await admission(mine) : null;
  if (got) connect(got, mine);
}

// takeTicket removes the ticket from the address bar before it is used, and before
// the platform's script could look.
function takeTicket() {
  const given = new URLSearchParams(location.hash.slice(1)).get("ticket");
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  if (session) return;
  if (given) ticket = given;
  if (ticket) enter();
  else view.state("no-ticket");
}

byId("leave").addEventListener("click", leave);
byId("back").addEventListener("click", enter);
byId("try").addEventListener("click", () => retry.now());

if (mode === "later") {
  if (document.prerendering) document.addEventListener("prerenderingchange", () => location.reload(), { once: true });
  else location.reload();
} else if (mode === "ticket") {
  addEventListener("hashchange", takeTicket);
  takeTicket();
} else {
  enter();
}
