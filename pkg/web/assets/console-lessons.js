// The lessons of a room, and the attendance of one of them.
import { button, el, hint, item, keep, known, length, person, put, region, say, tell, when, word, zone } from "./console-page.js";
import { Refusal, file, get, path } from "./console-server.js";
import { words } from "./console-dialog.js";
import { logOf } from "./console-log.js";

// lessonList is read when it is opened, and again when a lesson begins.
export function lessonList(room, open) {
  let next = "";
  const list = el("ul", { class: "people" });
  const note = hint();
  const more = button("rooms.more", () => read(), { hidden: true });
  let due = false;
  const root = el("details", { class: "card flush", ontoggle: () => again() }, el("summary", {}, el("h3", {}, say("lessons"))), note, list, more);

  // again reads the list from its beginning, or later, in its turn.
  async function again(later) {
    if (!root.open) return;
    next = "";
    due = later;
    if (!later) await read();
  }

  async function read() {
    due = false;
    const from = next;
    try {
      const answer = await get(path(room, `/lessons?limit=50&after=${encodeURIComponent(from)}`));
      // another answer came first, or the list is read from its beginning
      if (from !== next) return;
      if (!from) list.replaceChildren();
      list.append(...answer.lessons.map((l) => item(
        el("button", { type: "button", class: "name", onclick: () => open(l.sessionId) }, when(l.startedAt ?? l.openedAt)), summary(l))));
      next = answer.next;
      more.hidden = answer.lessons.length < 50;
      put(note, list.children.length ? [] : say("lessons.none"));
    } catch (error) {
      put(note, words(error));
    }
  }

  return { root, again, read, due: () => due };
}

function summary(lesson) {
  if (!lesson.endedAt) return say("lessons.now");
  return [say("lessons.ended", { time: when(lesson.endedAt) }), " · ", known(`outcome.${lesson.outcome}`)];
}

// lessonView shows who was in, as a picture and as a table, and the log of that time.
export function lessonView(room, session, { back }) {
  const at = `/attendance?sessionId=${encodeURIComponent(session)}`;
  const drawn = `format=svg&zone=${encodeURIComponent(zone)}`;
  const log = logOf(room, session);
  const title = word("lesson.title", { room });
  const facts = hint();
  const picture = el("div", { class: "picture", tabindex: "0", role: "group", "aria-label": word("lesson.picture") });
  const rows = el("tbody");
  const columns = ["user", "role", "in", "out", "present", "connections", "times"];
  const table = el("table", { id: "attendance", "aria-label": title },
    el("thead", {}, el("tr", {}, columns.map((c) => el("th", { scope: "col" }, say(`lesson.${c}`))))), rows);
  const none = el("p", { class: "soft pad", hidden: true }, say("lesson.none"));
  const root = el("div", {},
    el("div", { class: "line" }, button("lesson.back", back, { class: "quiet back" }), el("h2", { tabindex: "-1" }, title)),
    el("div", { class: "line" }, keeper("svg", drawn), keeper("csv", "format=csv")),
    el("div", { class: "card flush" }, facts, picture, region(title, table), none),
    el("section", { class: "card flush", "aria-labelledby": "head-lesson" }, el("h3", { id: "head-lesson" }, say("log")), log.root));
  let url = "", over = false, turn = -1;

  function keeper(kind, query) {
    return button(`lesson.${kind}`, async () => {
      try {
        keep(await file(path(room, `${at}&${query}`)), `${room}-attendance.${kind}`);
      } catch (error) {
        tell("refused", words(error));
      }
    });
  }

  async function read() {
    if (turn < 0) {
      turn = 2;
      await readTable();
      await readPicture();
      await log.read();
      return true;
    }
    if (over && !log.behind()) return null;
    turn = log.behind() ? 2 : (turn + 1) % 3;
    await [readTable, readPicture, log.read][turn]();
    return log.behind();
  }

  async function readTable() {
    const a = await get(path(room, at));
    over = a.endedAt !== null;
    put(facts, a.startedAt ? [when(a.startedAt), " – ", a.endedAt ? when(a.endedAt) : say("lessons.now"), " · "] : [],
      a.outcome ? [known(`outcome.${a.outcome}`), " · "] : [],
      say("lesson.together", { time: length(Math.floor(a.togetherSeconds)) }), " · ", say("lesson.zone", { zone }));
    put(rows, a.users.map(rowOf));
    table.hidden = a.users.length === 0;
    none.hidden = a.users.length > 0;
  }

  // The picture stands in an <img>: nothing in it runs, whatever it says.
  async function readPicture() {
    try {
      const blob = await file(path(room, `${at}&${drawn}`));
      URL.revokeObjectURL(url);
      url = URL.createObjectURL(new Blob([blob], { type: "image/svg+xml" }));
      picture.replaceChildren(el("img", { src: url, alt: word("lesson.picture") }));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      put(picture, hint(say("lesson.noPicture", { detail: error.message })));
    }
  }

  return {
    root, read,
    close: () => URL.revokeObjectURL(url),
  };
}

function rowOf(u) {
  const cells = [
    [u.role ?? "–", u.observer ? [" ", el("span", { class: "chip observer" }, say("people.observer"))] : []],
    [when(u.firstIn)], [u.lastOut ? when(u.lastOut) : say("lesson.still")],
    [length(Math.floor(u.secondsPresent))], [String(u.connections)], [say(u.exact ? "lesson.exact" : "lesson.bound")],
  ];
  return el("tr", {}, el("th", { scope: "row" }, person(u.user)), cells.map((c) => el("td", {}, c)));
}
