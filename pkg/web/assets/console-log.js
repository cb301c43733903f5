// The log of a lesson in words, newest first, as it grows.
import { el, has, hint, hour, known, person, region, say, word } from "./console-page.js";
import { get, path } from "./console-server.js";

const most = 200, page = 1000;

// logOf is the log of a room's lesson: of the present one, or of a session.
export function logOf(room, session = "") {
  let after = 0, current = null, behind = true;
  // by connection
  const users = new Map();
  const list = el("ol", { class: "log" });
  const none = hint(say("log.none"));
  const older = el("p", { class: "soft pad", hidden: true }, say("log.older", { n: most }));
  const root = region(word("log.region"), none, list, older);

  function startAgain(id) {
    current = id;
    after = 0;
    users.clear();
    list.replaceChildren();
    none.hidden = false;
    older.hidden = true;
  }

  async function read() {
    const query = session ? `&sessionId=${encodeURIComponent(session)}` : "";
    const answer = await get(path(room, `/events?limit=${page}&after=${after}${query}`));
    if (answer.sessionId !== current) {
      const begun = after > 0;
      startAgain(answer.sessionId);
      // the page was read from the place in another log
      if (begun) return behind = true;
    }
    const news = answer.events.length > 0;
    for (const line of answer.events) {
      if (line.connectionId && line.user) users.set(line.connectionId, line.user);
    }
    const lines = answer.events.slice(-most).map((line) => lineOf(line, users)).reverse();
    list.prepend(...lines);
    while (list.children.length > most) list.lastChild.remove();
    older.hidden = list.children.length < most;
    none.hidden = list.children.length > 0;
    after = answer.next;
    behind = answer.events.length === page;
    return news;
  }

  return { root, read, behind: () => behind };
}

function lineOf(line, users) {
  const why = because(line, users);
  return el("li", { class: tone(line) },
    el("time", { datetime: line.at }, hour(line.at)),
    el("div", {}, el("span", {}, sentence(line, users)), extra(line),
      why.length ? el("p", { class: "soft" }, why) : []));
}

function tone(line) {
  if (line.action === "refused" || line.action === "disconnect" && line.reason !== "lesson-over") return "bad";
  if (line.action === "seated") return "good";
  if (["start", "reset", "pause", "resume", "warn", "extend", "end", "reopen"].includes(line.action)) return "time";
  return "plain";
}

function sentence(line, users) {
  const user = line.user ?? users.get(line.connectionId);
  const who = line.connectionId || line.user ? [person(user), ...(line.role ? [" ", el("span", { class: "role" }, line.role)] : [])] : [];
  const values = {
    who, why: reason(line.reason), note: noteOf(line), kind: known(`kind.${line.note}`, line.note ?? ""), event: line.event, action: line.action,
    time: line.eventAt ? hour(line.eventAt) : "–",
  };
  return say(keyOf(line, who.length > 0), values);
}

function keyOf(line, about) {
  const key = `log.${line.action}`;
  switch (line.action) {
    case "none":
      if (has(`event.${line.event}`)) return `event.${line.event}`;
      return about ? "log.about" : "log.event";
    case "seated":
      return line.note === "observer" ? "log.observer" : key;
    case "left":
      return has(`${key}.${line.note}`) ? `${key}.${line.note}` : key;
    case "extend":
      return line.eventAt ? key : "log.extendStill";
    case "ban":
      if (line.note === "lifted") return "log.lifted";
      return line.eventAt ? key : "log.banAlways";
    case "repair":
      return about ? "log.repair.who" : key;
  }
  return has(key) ? key : "log.other";
}

const noteOf = ({ note }) => known(`note.${note}`, note ?? "");

// reason is why, in words; one that is new here stands as it is.
export function reason(code) {
  const kind = /^(\w+)-not-allowed$/.exec(code)?.[1];
  if (kind && has(`kind.${kind}`)) return say("why.kind", { kind: say(`kind.${kind}`) });
  return known(`why.${code}`, code);
}

// extra is who asked for it, and what they wrote.
function extra(line) {
  const parts = [];
  if (line.actor) parts.push(" ", el("span", { class: "soft" }, say("log.by", { actor: line.actor })));
  if (line.action === "ban" && line.note && line.note !== "lifted") parts.push(" ", el("span", { class: "soft" }, say("log.note", { note: line.note })));
  return parts;
}

// because names who had the better right, and the reading that proves it.
function because(line, users) {
  if (!line.because) return [];
  const { holders, readAt } = line.because;
  const parts = [];
  if (holders.length) {
    const names = holders.flatMap((id, i) => [i ? ", " : "", ...holder(id, users)]);
    parts.push(...say(line.reason === "duplicate-user" ? "because.user" : "because.held", { holders: names }), " ");
  }
  if (readAt) parts.push(...say("because.read", { time: hour(readAt) }));
  return parts;
}

function holder(id, users) {
  if (id.startsWith("promise:")) return say("because.promise", { user: id.slice(8) });
  return [users.has(id) ? person(users.get(id)) : el("code", {}, id.slice(0, 8))];
}
