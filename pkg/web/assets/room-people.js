// Who is in, and what they show. Names are other people's text: they are cut,
// their direction is their own, and they are never markup.
import texts from "./texts-room.js";
import { fill } from "./words.js";

const longest = 40; // characters of a name
const crowd = 49; // beyond that only those who show something have a tile
const listed = 200; // and the list ends here

// What must not be in a line of text. Joiners stay where they join: Persian and Hindi
// words and some emoji are written with them.
const unshown = /(?:(?!(?<=[\p{L}\p{M}\p{Extended_Pictographic}\p{Emoji_Modifier}])[\u200c\u200d](?=[\p{L}\p{Extended_Pictographic}]))[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s])+/gu;

const byId = (id) => document.getElementById(id);

// nameOf reads what a ticket's data says of its owner, as the doorkeeper puts it
// into the connection's.
export function nameOf(data) {
  let name;
  try {
    name = JSON.parse(data).data.name;
  } catch {
    name = null;
  }
  if (typeof name !== "string") return texts.somebody;
  const clean = [...name.replace(unshown, " ").trim()];
  if (clean.length === 0) return texts.somebody;
  return clean.length > longest ? `${clean.slice(0, longest - 1).join("")}…` : clean.join("");
}

// put shows a text in which a name stands, the name apart from its surroundings.
export function put(element, text, name) {
  const bdi = document.createElement("bdi");
  bdi.textContent = name;
  const [before, after] = text.split("{name}");
  element.replaceChildren(before, ...(after === undefined ? [] : [bdi, after]));
}

function initials(name) {
  const words = name.split(" ").filter((word) => /\p{L}|\p{N}/u.test(word));
  return words.slice(0, 2).map((word) => [...word][0].toUpperCase()).join("");
}

// tile makes one with a place for the picture, what stands there without one, and
// the name.
function tile(text, name) {
  const item = document.createElement("li");
  const [face, picture, label, note] = ["span", "div", "span", "span"].map((kind) => document.createElement(kind));
  item.className = "tile";
  face.className = "face";
  face.textContent = initials(name);
  face.ariaHidden = "true";
  face.style.setProperty("--hue", [...name].reduce((sum, c) => (sum * 31 + c.codePointAt(0)) % 360, 7));
  picture.className = "picture";
  label.className = "name";
  note.className = "soft";
  put(label, text, name);
  label.append(" ", note);
  item.append(face, picture, label);
  return { item, picture, note };
}

export class People {
  #all = new Map(); // connection id to person
  #streams = new Map(); // stream id to its tile's parts
  #me = null;

  clear() {
    this.#all.clear();
    this.#streams.clear();
    byId("people").replaceChildren();
    byId("list").replaceChildren();
    this.#me = null;
    this.#count();
  }

  // me shows the visitor and gives the place of the own picture.
  me(connection) {
    const name = nameOf(connection.data);
    const text = name === texts.somebody ? texts.youAlone : texts.you;
    this.#me = { id: connection.connectionId, ...tile(text, name), line: this.#line(text, name) };
    this.#me.item.classList.add("me");
    byId("people").append(this.#me.item);
    byId("list").prepend(this.#me.line);
    this.#count();
    return this.#me;
  }

  // add gives the person of a connection, and whether it is a newcomer.
  add(connection) {
    const id = connection.connectionId;
    const known = this.#all.get(id);
    if (known || (this.#me && id === this.#me.id)) return { person: known || this.#me, isNew: false };
    const name = nameOf(connection.data);
    const person = { name, ...tile("{name}", name), line: this.#line("{name}", name) };
    this.#all.set(id, person);
    byId("people").append(person.item);
    if (this.#all.size <= listed) byId("list").append(person.line);
    this.#count();
    return { person, isNew: true };
  }

  // remove gives the person who left, or undefined.
  remove(connection) {
    const person = this.#all.get(connection.connectionId);
    if (!person) return undefined;
    this.#all.delete(connection.connectionId);
    person.item.remove();
    person.line.remove();
    this.#count();
    return person;
  }

  // show gives the place for the picture of somebody's stream: a tile of its own
  // for a screen.
  show(stream) {
    const { person } = this.add(stream.connection);
    const screen = stream.videoType === "screen" || stream.videoType === "custom";
    const parts = screen ? this.screen(texts.itsScreen, person.name) : person;
    this.#streams.set(stream.streamId, { ...parts, person, screen });
    this.update(stream);
    return { picture: parts.picture, name: person.name, screen };
  }

  // screen makes the tile of a shared screen, first of all.
  screen(text, name) {
    const parts = tile(text, name);
    parts.item.classList.add("wide");
    byId("people").prepend(parts.item);
    return parts;
  }

  // update shows whether a stream has sound and a picture.
  update(stream) {
    const parts = this.#streams.get(stream.streamId);
    if (!parts) return;
    parts.item.classList.toggle("seen", Boolean(stream.hasVideo));
    this.#note(parts, stream);
    this.#count();
  }

  hide(stream) {
    const parts = this.#streams.get(stream.streamId);
    if (!parts) return;
    this.#streams.delete(stream.streamId);
    if (parts.screen) parts.item.remove();
    else parts.item.classList.remove("seen");
    this.#note(parts, { hasAudio: true });
    this.#count();
  }

  #note(parts, stream) {
    const notes = [
      parts.screen || stream.hasAudio ? "" : texts.muted,
      [...this.#streams.values()].some((one) => one.screen && one.person === parts.person) ? texts.sharing : "",
    ];
    parts.person.line.querySelector(".soft").textContent = notes.filter(Boolean).join(", ");
    if (!parts.screen) parts.note.textContent = notes[0];
  }

  #line(text, name) {
    const line = document.createElement("li");
    const [who, note] = ["span", "span"].map((kind) => document.createElement(kind));
    put(who, text, name);
    note.className = "soft";
    line.append(who, " ", note);
    return line;
  }

  #count() {
    const others = this.#all.size;
    byId("count").textContent = String(others + (this.#me ? 1 : 0));
    byId("alone").hidden = others > 0;
    byId("more").hidden = others <= listed;
    byId("more").textContent = fill(texts.more, { count: others - listed });
    byId("people").classList.toggle("crowd", others >= crowd);
  }
}
