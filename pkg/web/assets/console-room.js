// One room: who is in, the clock, the log, and what an operator may do.
import { arrange, button, chip, el, hint, item, known, length, person, put, say, tell, when, word } from "./console-page.js";
import { get, path, post, room as readRoom } from "./console-server.js";
import { hurry } from "./console-live.js";
import { ask, lives, valueOf, words } from "./console-dialog.js";
import { logOf } from "./console-log.js";
import { lessonList } from "./console-lessons.js";
import { askPolicy } from "./console-policy.js";
import { askTicket } from "./console-ticket.js";

// How many people are in a room's answer, and at most in one page of its connections.
const firstPage = 100, fullPage = 1000;

// roomView shows a room; leave() goes to the list, lesson(session) to a lesson. Without
// leave the token is for this room only.
export function roomView(name, { leave, lesson }) {
  let room = null, until = 0, logNext = true, acts = 0;
  // crowd is who is in, where that are more than a room's answer has: then every other
  // reading of the room is one of the crowd.
  let crowd = null, odd = false;
  const log = logOf(name);
  const bans = banList(name, act);
  const lessons = lessonList(name, lesson);
  const status = el("span");
  const facts = el("dl", { class: "facts" });
  const time = el("b", { role: "timer", "aria-live": "off" }), beside = el("span"), times = el("p");
  const actions = el("div", { class: "line", role: "group", "aria-label": word("room.actions") });
  const list = el("ul", { class: "people" });
  const none = hint(say("people.none"));
  const more = el("p", { class: "soft pad", hidden: true });
  const heading = el("h2", { tabindex: "-1" }, el("bdi", {}, name));
  const root = el("div", {},
    el("div", { class: "line" }, leave ? button("room.all", leave, { class: "quiet back" }) : [], heading, status),
    el("div", { class: "card top" }, el("div", { class: "clock" }, el("p", {}, time, " ", beside), times), facts, actions),
    el("div", { class: "two" },
      el("div", {}, card("people", list, none, more), bans.root, lessons.root),
      card("log", log.root)));
  const drawn = new Map();
  const ticking = setInterval(() => room && tick(), 500);

  async function read() {
    if (!room) {
      take(await readRoom(name));
      await log.read();
      return true;
    }
    if (lessons.due()) return lessons.read();
    logNext = log.behind() || !logNext;
    if (logNext) return log.read();
    odd = !odd && room.connections.length === firstPage;
    if (odd) return readCrowd();
    const before = acts, next = await readRoom(name);
    // what was read before somebody acted is old
    return before !== acts || take(next);
  }

  async function readCrowd() {
    const of = room.sessionId, { connections } = await get(path(name, `/connections?limit=${fullPage}`));
    if (of !== room.sessionId) return;
    crowd = connections;
    drawPeople();
  }

  // take shows what the server said of the room, and gives whether it is new.
  function take(next) {
    const heard = performance.now();
    const left = next.secondsLeft;
    // secondsLeft is rounded up: of several answers the earliest end is the nearest.
    const end = left === null ? 0 : heard + left * 1000;
    until = end && room?.endsAt === next.endsAt && room.status === next.status ? Math.min(until, end) : end;
    const before = room;
    room = next;
    if (room.connections.length < firstPage || before?.sessionId !== room.sessionId) crowd = null;
    if (before && before.status !== room.status && root.isConnected) tell("changed", say("room.now", { room: name, status: say(`status.${room.status}`) }));
    if (before && before.sessionId !== room.sessionId) lessons.again(true);
    if (before && look(before) === look(room)) {
      tick();
      return false;
    }
    draw();
    return true;
  }

  function tick() {
    const [left, rest] = countdown(room, (until - performance.now()) / 1000);
    put(time, left);
    put(beside, rest);
  }

  function draw() {
    status.replaceChildren(chip(room.status, `status.${room.status}`));
    put(facts, figures(room));
    put(times, span(room));
    drawActions();
    drawPeople();
    tick();
  }

  function drawActions() {
    const going = room.status === "running" || room.status === "paused";
    const wanted = [
      ...(going && room.policy.lessonSeconds ? [5, 10, 15].map((n) => ["extend", n]) : []),
      ["ticket"], ["policy"], [room.status === "ended" ? "reopen" : "end"],
    ];
    const key = wanted.join();
    if (actions.key === key) return;
    actions.key = key;
    actions.replaceChildren(...wanted.map(([what, n]) => button(`room.${what}`, () => does[what](n),
      { class: what === "end" ? "danger" : null, "aria-label": n ? word("room.extendLabel", { n }) : null }, { n })));
  }

  function drawPeople() {
    const all = crowd ?? room.connections;
    more.hidden = all.length < (crowd ? fullPage : firstPage);
    put(more, say("people.first", { n: all.length }));
    none.hidden = all.length > 0;
    list.hidden = all.length === 0;
    const next = all.map((c) => {
      const key = JSON.stringify(c), old = drawn.get(c.id);
      if (old?.key === key) return old;
      const made = entry(c, does);
      made.key = key;
      drawn.set(c.id, made);
      return made;
    });
    arrange(list, next, heading);
    const there = new Set(all.map((c) => c.id));
    for (const id of drawn.keys()) if (!there.has(id)) drawn.delete(id);
  }

  // act asks in the words of that key, does, and shows the room as it is then. Where what
  // was asked for is gone, so may be what had the focus.
  async function act(what, confirm, values, does, options) {
    const all = { room: name, ...values };
    const result = await ask({ title: say(`${what}.title`, all), text: say(`${what}.text`, all), confirm: say(confirm, all), act: does, ...options });
    if (!result || !root.isConnected) return;
    acts += 1;
    if (result.value?.connections) take({ ...room, ...result.value });
    tell("done", say(`${what}.done`, { ...all, ...result.value }));
    if (!document.activeElement?.closest("main")) heading.focus({ preventScroll: true });
    logNext = true;
    hurry();
  }

  const danger = { danger: true };
  const does = {
    extend: (n) => act("extend", "room.extend", { n }, () => post(path(name, "/extend"), { seconds: n * 60 })),
    end: () => act("end", "room.end", {}, () => post(path(name, "/end")), danger),
    reopen: () => act("reopen", "room.reopen", {}, () => post(path(name, "/reopen"))),
    remove: (c) => act("remove", "people.remove", { user: [person(c.user)] },
      () => post(path(name, `/connections/${encodeURIComponent(c.id)}`), undefined, "DELETE"), danger),
    ban: (c) => bans.add(c.user),
    ticket: () => askTicket(name),
    async policy() {
      const made = await askPolicy({ name, policy: room.policy, tag: room.tag });
      if (!made || !root.isConnected) return;
      take(made);
      tell("done", say("policy.done", { room: name }));
    },
  };

  return {
    root, read,
    close: () => clearInterval(ticking),
  };
}

export const card = (key, ...content) => el("section", { class: "card flush", "aria-labelledby": `head-${key}` },
  el("h3", { id: `head-${key}` }, say(key)), content);

const look = ({ secondsLeft, ...rest }) => JSON.stringify(rest);

// countdown gives the time that is left, and the words beside it.
function countdown(room, left) {
  if (room.status === "ended") return [say("room.over"), known(`outcome.${room.outcome}`)];
  if (room.status === "paused") return [length(room.secondsLeft ?? 0), say("room.leftStill")];
  if (room.endsAt) return [length(left), say("room.left")];
  return [room.status === "open" ? say("room.notStarted") : say("room.noLimit"), []];
}

function figures(room) {
  const most = room.policy.maxSeats;
  const figure = (key, value) => el("div", {}, el("dt", {}, say(key)), el("dd", {}, value));
  return [
    figure("room.seats", most ? say("room.of", { n: room.seats, most }) : String(room.seats)),
    figure("room.promised", String(room.promised)),
    figure("room.waiting", String(room.waiting)),
  ];
}

// span is from when to when the lesson is.
function span(room) {
  const began = room.startedAt ? say("room.began", { time: when(room.startedAt) }) : [];
  if (!room.endsAt || room.status === "ended") return began;
  return [began, began.length ? " · " : "", say(room.startedAt ? "room.until" : "room.closes", { time: when(room.endsAt) })];
}

function entry(c, does) {
  const name = c.user ?? word("people.unknown");
  return item(
    [person(c.user), " ", c.role ? [el("span", { class: "role" }, c.role), " "] : [],
      c.observer ? chip("observer", "people.observer") : chip(c.state, `people.${c.state}`)],
    [say("people.since", { time: when(c.joinedAt) }), " · ",
      c.streams.length ? say("people.streams", { kinds: kinds(c.streams) }) : say("people.silent")],
    button("people.remove", () => does.remove(c), { class: "small", "aria-label": word("people.removeLabel", { user: name }) }),
    c.user == null ? [] : button("people.ban", () => does.ban(c), { class: "small", "aria-label": word("people.banLabel", { user: name }) }));
}

const kinds = (streams) => streams.flatMap((s, i) => [i ? ", " : "", ...known(`kind.${s.kind}`, [s.kind])]);

// banList is the room's bans, read when it is opened.
function banList(name, act) {
  const list = el("ul", { class: "people" });
  const note = hint();
  const root = el("details", { class: "card flush", ontoggle: () => root.open && again() }, el("summary", {}, el("h3", {}, say("bans"))),
    note, list, el("p", { class: "pad" }, button("ban.title", () => add(""))));

  async function again() {
    try {
      const { bans } = await get(path(name, "/bans?limit=1000"));
      list.replaceChildren(...bans.map(entryOf));
      put(note, bans.length === 0 ? say("bans.none") : bans.length === 1000 ? say("bans.more") : []);
    } catch (error) {
      put(note, words(error));
    }
  }

  const entryOf = (b) => item(
    [person(b.user), " ", el("span", { class: "soft" }, b.until ? say("bans.until", { time: when(b.until) }) : say("ban."))],
    [b.note ? [person(b.note), " · "] : [], say("bans.by", { actor: b.actor }), " · ", when(b.at)],
    button("bans.lift", () => lift(b.user), { class: "small", "aria-label": word("bans.liftLabel", { user: b.user }) }));

  const lift = (user) => act("lift", "bans.lift", { user }, () => post(path(name, `/bans?user=${encodeURIComponent(user)}`), undefined, "DELETE")).then(again);

  const add = (user) => act("ban", "people.ban", {}, (form) => post(path(name, "/bans"), {
    user: valueOf(form, "user"), seconds: Number(valueOf(form, "seconds")) || null, note: valueOf(form, "note") || null,
  }), {
    danger: true,
    fields: [
      { name: "user", label: say("lesson.user"), value: user },
      { name: "seconds", label: say("ban.seconds"), options: [...lives, ["", say("ban.")]], value: "3600" },
      { name: "note", label: say("ban.note"), help: say("ban.noteHelp"), lines: 2 },
    ],
  }).then(() => root.open && again());

  return { root, add };
}
