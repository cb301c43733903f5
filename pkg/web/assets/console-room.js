// One room: who is in, the clock, the log, and what an operator may do.
import { button, chip, el, has, length, person, put, say, tell, when, word } from "./console-page.js";
import { Refusal, Stale, get, path, post, room as readRoom } from "./console-server.js";
import { hurry } from "./console-live.js";
import { ask, valueOf, words } from "./console-dialog.js";
import { logOf } from "./console-log.js";
import { lessonList } from "./console-lessons.js";
import { askPolicy } from "./console-policy.js";
import { askTicket } from "./console-ticket.js";

const firstPage = 100;

// roomView shows a room; leave() goes to the list, lesson(session) to a lesson. Without
// leave the token is for this room only.
export function roomView(name, { leave, lesson }) {
  let room = null, until = 0, logNext = true;
  const log = logOf(name);
  const bans = banList(name, act);
  const lessons = lessonList(name, lesson);
  const status = el("span");
  const facts = el("dl", { class: "facts" });
  const time = el("b", { role: "timer", "aria-live": "off" }), beside = el("span"), times = el("p");
  const actions = el("div", { class: "line", role: "group", "aria-label": word("room.actions") });
  const list = el("ul", { class: "people" });
  const none = el("p", { class: "soft pad" }, say("people.none"));
  const more = el("p", { class: "soft pad", hidden: true }, say("people.first", { n: firstPage }));
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
    return logNext ? log.read() : take(await readRoom(name));
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
    if (before && before.status !== room.status) tell("changed", say(`room.now${room.status[0].toUpperCase()}${room.status.slice(1)}`, { room: name }));
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
    const all = room.connections;
    more.hidden = all.length < firstPage;
    none.hidden = all.length > 0;
    list.hidden = all.length === 0;
    const next = all.map((c) => {
      const key = JSON.stringify(c), old = drawn.get(c.id);
      if (old?.key === key) return old;
      const item = el("li", {}, entry(c, does));
      item.key = key;
      drawn.set(c.id, item);
      return item;
    });
    if (next.length === list.children.length && next.every((li, i) => li === list.children[i])) return;
    const focus = document.activeElement, at = list.contains(focus);
    list.replaceChildren(...next);
    if (at) (focus.isConnected ? focus : heading).focus({ preventScroll: true });
    const there = new Set(all.map((c) => c.id));
    for (const id of drawn.keys()) if (!there.has(id)) drawn.delete(id);
  }

  // act asks, does, and shows the room as it is then. Where what was asked for is gone, so
  // may be what had the focus.
  async function act(question, done) {
    const result = await ask(question).catch((error) => {
      if (!(error instanceof Stale)) throw error;
    });
    if (!result || !root.isConnected) return;
    if (result.value?.connections) take({ ...room, ...result.value });
    if (done) tell("done", done(result.value));
    if (!document.activeElement?.closest("main")) heading.focus({ preventScroll: true });
    logNext = true;
    hurry();
  }

  const inRoom = { room: name };
  const does = {
    extend: (n) => act({
      title: say("extend.title", { n }), text: say("extend.text", { n, room: name }), confirm: say("room.extend", { n }),
      act: () => post(path(name, "/extend"), { seconds: n * 60 }),
    }, () => say("extend.done", { n, room: name })),
    end: () => act({
      title: say("end.title"), text: say("end.text", inRoom), confirm: say("room.end"), danger: true,
      act: () => post(path(name, "/end")),
    }, () => say("end.done", inRoom)),
    reopen: () => act({
      title: say("reopen.title"), text: say("reopen.text", inRoom), confirm: say("room.reopen"),
      act: () => post(path(name, "/reopen")),
    }, () => say("reopen.done", inRoom)),
    remove: (c) => act({
      title: say("remove.title", { user: [person(c.user)] }), text: say("remove.text"), confirm: say("people.remove"), danger: true,
      act: () => post(path(name, `/connections/${encodeURIComponent(c.id)}`), undefined, "DELETE"),
    }, () => say("remove.done", { user: [person(c.user)] })),
    ban: (c) => bans.add(c.user),
    ticket: () => askTicket(name),
    policy: () => askPolicy({ name, policy: room.policy, tag: room.tag }).then((made) => {
      if (made && root.isConnected) {
        take(made);
        tell("done", say("policy.done", inRoom));
      }
    }),
  };

  return {
    root, read,
    focus: () => heading.focus({ preventScroll: true }),
    close: () => clearInterval(ticking),
    refused(error) {
      tell("refused", error.status === 404 ? say("gone") : say("cannot", { detail: error.message }));
    },
  };
}

export const card = (key, ...content) => el("section", { class: "card flush", "aria-labelledby": `head-${key}` },
  el("h3", { id: `head-${key}` }, say(key)), content);

const look = ({ secondsLeft, ...rest }) => JSON.stringify(rest);

// countdown gives the time that is left, and the words beside it.
function countdown(room, left) {
  if (room.status === "ended") return [say("room.over"), has(`outcome.${room.outcome}`) ? say(`outcome.${room.outcome}`) : []];
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
  return [...began, ...(began.length ? [" · "] : []), ...say(room.startedAt ? "room.until" : "room.closes", { time: when(room.endsAt) })];
}

function entry(c, does) {
  const name = c.user ?? word("people.unknown");
  return [
    el("div", { class: "who" }, person(c.user), c.role ? [" ", el("span", { class: "role" }, c.role)] : [], " ",
      c.observer ? chip("observer", "people.observer") : chip(c.state, `people.${c.state}`)),
    el("div", { class: "soft" }, say("people.since", { time: when(c.joinedAt) }), " · ",
      c.streams.length ? say("people.streams", { kinds: kinds(c.streams) }) : say("people.silent")),
    el("div", { class: "do" },
      button("people.remove", () => does.remove(c), { class: "small", "aria-label": word("people.removeLabel", { user: name }) }),
      c.user == null ? [] : button("people.ban", () => does.ban(c), { class: "small", "aria-label": word("people.banLabel", { user: name }) })),
  ];
}

const kinds = (streams) => streams.flatMap((s, i) => [i ? ", " : "", ...(has(`kind.${s.kind}`) ? say(`kind.${s.kind}`) : [s.kind])]);

// banList is the room's bans, read when it is opened.
function banList(name, act) {
  const list = el("ul", { class: "people" });
  const note = el("p", { class: "soft pad" });
  const root = el("details", { class: "card flush", ontoggle: () => root.open && again() }, el("summary", {}, el("h3", {}, say("bans"))),
    note, list, el("p", { class: "pad" }, button("bans.add", () => add(""))));

  async function again() {
    try {
      const { bans } = await get(path(name, "/bans?limit=1000"));
      list.replaceChildren(...bans.map(entryOf));
      put(note, bans.length === 0 ? say("bans.none") : bans.length === 1000 ? say("bans.more") : []);
    } catch (error) {
      if (!(error instanceof Stale)) put(note, words(error));
    }
  }

  const entryOf = (b) => el("li", {},
    el("div", { class: "who" }, el("bdi", {}, b.user), " ", el("span", { class: "soft" }, b.until ? say("bans.until", { time: when(b.until) }) : say("ban."))),
    el("div", { class: "soft" }, b.note ? [el("bdi", {}, b.note), " · "] : [], say("bans.by", { actor: b.actor }), " · ", when(b.at)),
    el("div", { class: "do" }, button("bans.lift", () => lift(b.user), { class: "small", "aria-label": word("bans.liftLabel", { user: b.user }) })));

  const lift = (user) => act({
    title: say("lift.title"), text: say("lift.text", { user, room: name }), confirm: say("bans.lift"),
    act: () => post(path(name, `/bans?user=${encodeURIComponent(user)}`), undefined, "DELETE"),
  }, () => say("lift.done", { user })).then(again);

  const add = (user) => act({
    title: say("ban.title"), text: say("ban.text", { room: name }), confirm: say("ban.button"), danger: true,
    fields: [
      { name: "user", label: say("ban.user"), value: user, attributes: { maxlength: 128 } },
      { name: "seconds", label: say("ban.seconds"), options: ["600", "3600", "86400", "604800", ""].map((s) => [s, say(`ban.${s}`)]), value: "3600" },
      { name: "note", label: say("ban.note"), help: say("ban.noteHelp"), lines: 2 },
    ],
    act: async (form) => {
      const seconds = Number(valueOf(form, "seconds")) || null;
      try {
        return await post(path(name, "/bans"), { user: valueOf(form, "user"), seconds, note: valueOf(form, "note") || null });
      } catch (error) {
        if (error instanceof Refusal && error.code === "invalid-user") error.fields = ["user"];
        throw error;
      }
    },
  }, (made) => say("ban.done", { user: made.user })).then(() => root.open && again());

  return { root, add };
}
