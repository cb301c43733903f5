// The list of rooms: read page by page, searched in memory, shown a hundred at a time.
import { arrange, button, chip, el, known, put, say, tell, when, word } from "./console-page.js";
import { get } from "./console-server.js";

const page = 1000, step = 100;
const statuses = ["running", "paused", "open", "ended"];

// roomList is the view; open(name) is what a press on a room does, make() on "new".
export function roomList(open, make) {
  // by name, what the server said
  const rooms = new Map();
  // by name, those that were drawn
  const rows = new Map();
  // all, sorted as the server sorts; those that were asked for
  let names = [], list = [];
  let whole = false, after = "", place = "", odd = false;
  let needle = "", status = "", most = step, looked = "", told = null;

  const search = el("input", { id: "search", type: "search", "aria-label": word("rooms.search"), placeholder: word("rooms.search"), spellcheck: "false", oninput: type });
  const filter = el("div", { class: "filter", role: "group", "aria-label": word("rooms.status") });
  const chips = new Map(["", ...statuses].map((name) => [name, button("", () => pick(name), { class: "pick" })]));
  filter.append(...chips.values());
  const body = el("tbody");
  const table = el("table", { id: "rooms", "aria-label": word("rooms") },
    el("thead", {}, el("tr", {}, ["room", "status", "people", "ends"].map((c) => el("th", { scope: "col" }, say(`rooms.${c}`))))),
    body);
  const foot = el("p", { class: "soft", id: "foot" });
  const more = button("rooms.more", () => { most += step; draw(); }, { hidden: true });
  const root = el("div", {},
    el("div", { class: "line" },
      el("h2", { tabindex: "-1" }, say("rooms")),
      search,
      button("rooms.new", make, { class: "main" })),
    filter, el("div", { class: "card flush" }, table), foot, more);

  function type() {
    needle = search.value.trim();
    most = step;
    draw();
  }

  function pick(name) {
    status = name;
    most = step;
    draw();
  }

  // take puts a page in the place of what was known between after and its last room.
  function take(start, answer, asked) {
    const last = answer.rooms.length < asked ? "\uffff" : answer.rooms.at(-1).room;
    const seen = new Set(answer.rooms.map((r) => r.room));
    let news = false, other = false;
    for (const name of names) {
      if (name > start && name <= last && !seen.has(name)) other = rooms.delete(name);
    }
    for (const room of answer.rooms) {
      const old = rooms.get(room.room);
      other ||= !old;
      news ||= !old || look(old) !== look(room);
      rooms.set(room.room, room);
    }
    if (other) names = [...rooms.keys()].sort((a, b) => (a < b ? -1 : 1));
    return news || other;
  }

  // next is what to read: all pages once, first where somebody looks; then in turn a page
  // and the rooms that are in sight.
  function next() {
    if (!whole && needle && needle !== looked && /^[\w.-]{1,64}$/.test(needle) && !names.some((n) => n.startsWith(needle))) {
      looked = needle;
      return [before(needle), step, () => {}];
    }
    if (!whole) return [after, page, (answer) => { after = answer.next; whole = answer.rooms.length < page; }];
    odd = !odd;
    if (odd && list.length && names.length > page) return [before(list[0]), step, () => {}];
    return [place, page, (answer) => { place = answer.rooms.length < page ? "" : answer.next; }];
  }

  async function read() {
    const [start, asked, done] = next();
    const answer = await get(`/v1/rooms?limit=${asked}&after=${encodeURIComponent(start)}`);
    const news = take(start, answer, asked);
    done(answer);
    draw();
    return news || !whole;
  }

  function draw() {
    const text = needle.toLowerCase();
    const found = names.filter((name) => name.toLowerCase().includes(text));
    const of = Object.groupBy(found, (name) => rooms.get(name).status);
    for (const [name, chip] of chips) {
      put(chip, say(name ? `status.${name}` : "rooms.all"), " ", el("b", {}, String((name ? of[name] : found)?.length ?? 0)));
      chip.setAttribute("aria-pressed", String(name === status));
    }
    list = status ? of[status] ?? [] : found;
    arrange(body, list.slice(0, most).map(row), search);
    for (const [name, drawn] of rows) if (drawn.parentNode !== body) rows.delete(name);
    more.hidden = list.length <= most;
    table.hidden = list.length === 0;
    put(foot, footer(list.length));
    // who listens is told when others are asked for, or all are there
    const key = needle + status + whole;
    if (root.isConnected && key !== told) tell("listed", whole || needle ? say("rooms.listed", { n: list.length }) : say("loading"));
    told = key;
  }

  function footer(n) {
    if (n === 0 && whole) return say(names.length ? "rooms.none" : "rooms.empty");
    return [n > most ? say("rooms.shown", { shown: most, n }) : [], " ", whole ? [] : say("rooms.reading", { n: names.length })];
  }

  function row(name) {
    const room = rooms.get(name), key = look(room);
    let drawn = rows.get(name);
    if (!drawn) {
      drawn = el("tr", {},
        el("th", { scope: "row" }, el("button", { type: "button", class: "name", onclick: () => open(name) }, el("bdi", {}, name))),
        el("td"), el("td"), el("td"));
      rows.set(name, drawn);
    }
    if (drawn.look !== key) {
      drawn.look = key;
      const cells = drawn.cells;
      cells[1].replaceChildren(chip(room.status, `status.${room.status}`),
        " ", el("span", { class: "soft" }, known(`outcome.${room.outcome}`)));
      cells[2].replaceChildren(...people(room));
      cells[3].replaceChildren(...ends(room));
    }
    return drawn;
  }

  return {
    root, read,
    focus(name) {
      told = null;
      (rows.get(name)?.querySelector("button") ?? search).focus();
    },
  };
}

// look is what of a room is shown in the list.
const look = (r) => [r.status, r.outcome, r.seats, r.promised, r.waiting, r.endsAt].join();

// before is a name after which the first one that begins so comes first.
function before(name) {
  const last = name.charCodeAt(name.length - 1);
  return `${name.slice(0, -1)}${String.fromCharCode(last - 1)}~`;
}

function people(room) {
  const parts = room.seats || room.status !== "ended" ? [el("span", {}, say("rooms.counts", { n: room.seats }))] : ["–"];
  for (const kind of ["promised", "waiting"]) {
    if (room[kind]) parts.push(" ", el("span", { class: kind === "waiting" ? "warn" : "soft" }, say(`rooms.${kind}`, { n: room[kind] })));
  }
  return parts;
}

function ends(room) {
  if (room.status === "paused") return say("rooms.still");
  return [room.endsAt ? when(room.endsAt) : "–"];
}
