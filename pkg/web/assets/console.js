// The operator's console: signing in, and which view is shown. No name is in the address;
// the browser's history remembers the views, so that its buttons work.
import { byId, say, tell } from "./console-page.js";
import { onlyRoom, signIn } from "./console-server.js";
import { follow } from "./console-live.js";
import { askPolicy } from "./console-policy.js";
import { lessonView } from "./console-lessons.js";
import { roomList } from "./console-rooms.js";
import { roomView } from "./console-room.js";
import { showHelp } from "./console-help.js";

let list = null, view = null, only = "", opened = "", entered = false;

function enter(typed) {
  leave();
  const token = typed.trim();
  byId("token").value = "";
  // what no header can carry
  if (!/^[ -~]{0,4096}$/.test(token)) return forget(say("enter.bad"), "refused");
  signIn(token);
  only = onlyRoom();
  list = only ? null : roomList((room) => go({ room }), make);
  byId("enter").hidden = true;
  byId("view").hidden = byId("forget").hidden = false;
  show(history.state ?? {});
}

function leave() {
  signIn("");
  follow(null);
  view?.close?.();
  list = view = null;
  only = opened = "";
  entered = false;
  byId("ask").close();
  byId("view").replaceChildren();
  byId("view").hidden = byId("forget").hidden = true;
  byId("enter").hidden = false;
}

function forget(words, state = "idle") {
  leave();
  tell(state, words);
  byId("token").focus();
}

// go shows a view that the browser's back button leaves again.
function go(state) {
  history.pushState(state, "", location.pathname);
  show(state);
}

function show({ room = "", session = "" }) {
  const name = only || room;
  view?.close?.();
  byId("ask").close();
  const back = only ? null : () => go({});
  const lesson = (of) => go({ room: name, session: of });
  if (name && session) view = lessonView(name, session, { back: () => go({ room: name }) });
  else if (name) view = roomView(name, { leave: back, lesson });
  else view = list;
  tell("loading", say("loading"));
  byId("view").replaceChildren(view.root);
  scrollTo(0, 0);
  if (view.focus) view.focus(opened);
  else view.root.querySelector("h2").focus();
  opened = name;
  follow({ ...view, read: reader(view), refused });
}

// reader says that all is there once the first reading was shown.
function reader(shown) {
  return async () => {
    const news = await shown.read();
    entered = true;
    if (view === shown && byId("status").dataset.state === "loading") tell("shown");
    return news;
  };
}

function refused(error) {
  if (!entered && error.status !== 404) forget(say("cannot", { detail: error.message }), "refused");
  else if (error.status === 401) forget(say("enter.bad"), "refused");
  else tell("refused", error.status === 404 ? say("gone") : say("cannot", { detail: error.message }));
}

async function make() {
  const made = await askPolicy({});
  if (!made || !list) return;
  go({ room: made.room });
  tell("done", say("policy.made", { room: made.room }));
}

// fromFragment takes a token out of the address bar before it is used.
function fromFragment() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (location.hash) history.replaceState(history.state, "", location.pathname + location.search);
  if (given) enter(given);
}

document.querySelector("#enter form").addEventListener("submit", (event) => {
  event.preventDefault();
  enter(byId("token").value);
});
byId("forget").addEventListener("click", () => {
  history.replaceState(null, "", location.pathname);
  forget();
});
byId("connect").addEventListener("click", showHelp);
addEventListener("popstate", (event) => view && show(event.state ?? {}));
addEventListener("hashchange", fromFragment);
fromFragment();
