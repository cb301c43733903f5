// What every part of the console draws with. All texts come from one file, and
// what is put into them becomes text, set apart from the direction around it.
import texts from "./texts-console.js";
import { now } from "./console-server.js";
import { digits, fill } from "./words.js";

export const byId = (id) => document.getElementById(id);

export const has = (key) => key in texts;

// say gives the nodes of a text, with a value, or nodes, in the place of each {name}.
export function say(key, values = {}) {
  return (texts[key] ?? key).split(/\{(\w+)\}/).map((part, i) => {
    if (i % 2 === 0) return part;
    const value = values[part];
    return Array.isArray(value) ? value : el("bdi", {}, String(value));
  }).flat();
}

// known is the text of that key where there is one.
export const known = (key, other = []) => (has(key) ? say(key) : other);

// word is the same as plain text, for attributes.
export const word = (key, values) => fill(texts[key] ?? key, values);

// el makes an element. An attribute that is false, null or undefined is left out, and one
// that is a function listens.
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.flat(9));
  return node;
}

export const button = (key, act, attributes = {}, values = {}) =>
  el("button", { type: "button", onclick: act, ...attributes }, say(key, values));

// put shows nodes in the place of what an element had, unless they say the same.
export function put(node, ...children) {
  const next = el("div", {}, ...children);
  if (next.textContent !== node.textContent || next.childElementCount !== node.childElementCount) node.replaceChildren(...next.childNodes);
}

// arrange shows nodes that were made before, if they are others or stand otherwise, and
// leaves the focus where it is.
export function arrange(parent, nodes, fallback) {
  if (nodes.length === parent.children.length && nodes.every((n, i) => n === parent.children[i])) return;
  const focus = document.activeElement, within = parent.contains(focus);
  parent.replaceChildren(...nodes);
  if (within) (focus.isConnected ? focus : fallback).focus({ preventScroll: true });
}

// tell says something where screen readers hear it. The same again is not said again.
export function tell(state, nodes = []) {
  byId("status").dataset.state = state;
  put(byId("status"), nodes);
}

const format = (options) => {
  const made = new Intl.DateTimeFormat(undefined, options);
  return (time) => made.format(new Date(time));
};
const day = format({ dateStyle: "medium" });
export const hour = format({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const full = format({ dateStyle: "medium", timeStyle: "short" });
const short = format({ hour: "2-digit", minute: "2-digit" });

// when leaves out the day where it is today's.
export const when = (time) => (day(time) === day(now()) ? short(time) : full(time));

export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

// length writes seconds as 9:05 or 1:09:05.
export const length = (seconds) => digits(Math.max(0, Math.ceil(seconds)));

export const chip = (kind, key) => el("span", { class: `chip ${kind}` }, known(key, kind));

export const person = (user) => (user == null ? el("i", {}, say("people.unknown")) : el("bdi", {}, user));

export const hint = (...children) => el("p", { class: "soft pad" }, children);

// region is a part that scrolls by itself, also by the keyboard.
export const region = (label, ...children) => el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, children);

// item is one of a list: who or what, more about it, and what can be done.
export const item = (head, more, ...act) => el("li", {},
  el("div", { class: "who" }, head), el("div", { class: "soft" }, more), act.length ? el("div", { class: "do" }, act) : []);

// keep offers a file that was read.
export function keep(blob, name) {
  const url = URL.createObjectURL(blob);
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}
