// One clock for everything that the console reads by itself: at most one request in two
// seconds, fewer while nothing changes, none while nobody looks. What a person asks for
// is asked at once.
import { say, tell } from "./console-page.js";
import { Refusal, asked } from "./console-server.js";

const least = 2000, calm = 10000, most = 30000;
let view = null;
let timer = 0, gap = least, failures = 0, busy = null;

// follow reads for a view from now on, at once for the first time. view.read says whether
// anything was new; view.refused hears of an answer that ends it.
export function follow(next) {
  view = next;
  gap = least;
  failures = 0;
  clearTimeout(timer);
  if (view) turn();
}

// hurry makes the next reading come soon: somebody did something.
export function hurry() {
  gap = least;
  schedule();
}

function schedule() {
  clearTimeout(timer);
  if (!view || document.hidden) return;
  timer = setTimeout(turn, Math.max(0, asked() + gap - performance.now()));
}

async function turn() {
  const mine = view;
  if (busy === mine) return;
  busy = mine;
  clearTimeout(timer);
  try {
    const news = await mine.read();
    if (mine !== view) return;
    if (failures) tell("back", say("back"));
    failures = 0;
    gap = news ? least : Math.min(gap * 1.25, calm);
  } catch (error) {
    if (mine !== view) return;
    if (error instanceof Refusal && error.status < 500 && error.status !== 429) {
      view = null;
      mine.refused(error);
      return;
    }
    failed(error);
  } finally {
    if (busy === mine) busy = null;
  }
  schedule();
}

function failed(error) {
  gap = Math.max(Math.min(least * 2 ** failures, most), error.after ?? 0);
  failures += 1;
  tell("away", error instanceof Refusal ? say("awayFor", { detail: error.message }) : say("away"));
}

document.addEventListener("visibilitychange", () => {
  gap = least;
  schedule();
});
