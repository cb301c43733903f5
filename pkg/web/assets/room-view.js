// What the page shows of where the visitor stands. The state is announced once, by
// a status; what must not be missed, by an alert; the countdown by nobody.
import texts from "./texts-room.js";
import { moment, span } from "./times.js";
import { digits, fill } from "./words.js";
import { put } from "./room-people.js";

const byId = (id) => document.getElementById(id);
const lines = 100; // that the log keeps
const brief = 30_000; // ms, that a warning stays

// time is the server's, once it is known.
let time = () => Date.now();
export function goBy(clock) {
  time = () => clock.now();
}

export function say(text, name) {
  const line = document.createElement("li");
  const [at, what] = ["time", "span"].map((kind) => document.createElement(kind));
  at.textContent = new Date(time()).toLocaleTimeString(undefined, { hour: "numeric", minute: "2-digit" });
  put(what, text, name);
  line.append(at, " ", what);
  byId("log").prepend(line);
  while (byId("log").children.length > lines) byId("log").lastChild.remove();
}

// state shows where the visitor stands: for people in words, for programs in
// data-state. The values fill its text; back is what its button says.
export function state(name, values = {}, back = "") {
  const title = texts[`title.${name}`];
  const text = fill(values.text || texts[`state.${name}`], values);
  const again = byId("status").dataset.state === name && byId("text").textContent === text;
  const isIn = name === "connected" || name === "reconnecting";
  document.body.dataset.state = byId("status").dataset.state = name;
  document.title = isIn ? document.body.dataset.room : `${title} · ${document.body.dataset.room}`;
  byId("room").hidden = byId("tools").hidden = !isIn;
  if (!isIn) byId("clock").hidden = true;
  byId("back").hidden = !back;
  byId("back").textContent = back;
  if (again) return;
  byId("try").hidden = true;
  byId("heading").textContent = title;
  byId("text").textContent = text;
  say([title, text].filter(Boolean).join(": "));
  keepFocus();
}

// keepFocus moves it to the heading where the control that had it is gone.
let had = false;
document.addEventListener("focusin", () => { had = true; });
function keepFocus() {
  const lost = document.activeElement === document.body || document.activeElement.offsetParent === null;
  if (had && lost) byId("heading").focus();
}

// phase says how the lesson stands, for those who are in.
export function phase(text, values) {
  byId("text").textContent = fill(text, values);
  say(fill(text, values));
}

let hiding = 0;

// alert says what must not be missed, until it is closed; soon: or for a while.
export function alert(text, soon = false) {
  clearTimeout(hiding);
  byId("said").textContent = text;
  byId("quiet").hidden = false;
  say(text);
  if (soon) hiding = setTimeout(quiet, brief);
}

export function quiet() {
  byId("said").textContent = "";
  byId("quiet").hidden = true;
}
byId("quiet").addEventListener("click", quiet);

// next says when the next try is; null while there is none. Its button stays as long as
// the state, so that who presses it does not lose the place.
export function next(seconds) {
  byId("next").hidden = seconds === null;
  if (seconds === null) return;
  byId("try").hidden = false;
  const text = seconds > 90 ? fill(texts.nextAt, { time: moment(Date.now() + seconds * 1000) }) : fill(texts.nextIn, { time: span(seconds) });
  byId("next").textContent = text;
}

// clock shows the countdown of a lesson at the server's time now.
export function clock(lesson, now) {
  const left = lesson.left(now);
  byId("clock").hidden = left === null;
  if (left === null) return;
  const until = lesson.endsAt === null ? "" : moment(lesson.endsAt);
  const label = lesson.paused ? texts.leftPaused : left === 0 ? texts.up : lesson.startedAt === null ? texts.closes : texts.left;
  byId("digits").textContent = digits(left);
  byId("left").textContent = fill(label, { time: until });
  byId("clock").dataset.left = lesson.paused ? "paused" : left <= 60 ? "last" : left <= 300 ? "few" : "";
  const whole = lesson.startedAt === null || lesson.endsAt === null ? 0 : (lesson.endsAt - lesson.startedAt) / 1000;
  byId("bar").hidden = whole <= 0;
  byId("bar").style.setProperty("--part", whole > 0 ? String(Math.min(1, left / whole)) : "0");
}
