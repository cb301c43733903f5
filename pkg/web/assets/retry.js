// Trying again by itself: with gaps that grow, spread so that not everybody comes
// at once, never sooner than the server said, and said to whoever waits.
const first = 1; // seconds
const longest = 60; // where the server does not ask for more
const ever = 600; // what is promised in hours is looked at before

export class Retry {
  #tries = 0;
  #what = null; // what is due, or null
  #steady = 0; // when, by performance.now(), which may stand still in a machine that sleeps
  #wall = 0; // and by Date.now(), which may be set back

  // show is told each second how many seconds are left, and null once none are.
  constructor(show) {
    this.show = show;
    setInterval(() => this.#look(), 1000);
    addEventListener("online", () => this.now());
    document.addEventListener("visibilitychange", () => this.#look());
  }

  // plan has what done, after seconds at the soonest.
  plan(after, what) {
    const gap = Math.min(longest, first * 2 ** this.#tries++);
    const wait = Math.min(ever, Math.max(after, gap) + Math.random() * Math.min(gap, 5) / 2) * 1000;
    this.#what = what;
    this.#steady = performance.now() + wait;
    this.#wall = Date.now() + wait;
    this.#look();
  }

  #look() {
    if (!this.#what) return;
    const left = Math.min(this.#steady - performance.now(), this.#wall - Date.now());
    if (left <= 0) this.now();
    else this.show(Math.ceil(left / 1000));
  }

  now() {
    const what = this.#what;
    this.#what = null;
    this.show(null);
    if (what) what();
  }

  // stop forgets what was planned; done also begins with short gaps again.
  stop() {
    this.#what = null;
    this.show(null);
  }

  done() {
    this.stop();
    this.#tries = 0;
  }
}
