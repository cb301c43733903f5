// The server's time, from what it said and what has passed here since. What the
// visitor's clock says does not matter, only how far it went.
const leap = 2000; // ms

export class Clock {
  #now;
  #steady = performance.now();
  #wall = Date.now();

  // now is what the server said, in ms since the epoch. doubt is called when the
  // two clocks here went apart: the machine slept, which stops the steady one, or
  // somebody set the other. It is taken for sleep until set says better.
  constructor(now, doubt) {
    this.#now = now;
    this.doubt = doubt;
  }

  now() {
    const steady = performance.now() - this.#steady;
    const wall = Date.now() - this.#wall;
    const slept = wall - steady > leap;
    this.#now += slept ? wall : Math.max(0, steady);
    this.#steady += steady;
    this.#wall += wall;
    if (slept) this.doubt();
    return this.#now;
  }

  // set corrects the time where it is off by more than what a server's answer is.
  set(now) {
    if (Math.abs(now - this.now()) > leap) this.#now = now;
  }
}

// The lesson's clock, as join's answer and the signals have it: times in ms,
// secondsLeft where it stands still, null for what there is not.
export class Lesson {
  constructor(admission) {
    this.startedAt = time(admission.startedAt);
    this.endsAt = time(admission.endsAt);
    this.secondsLeft = admission.secondsLeft ?? null;
  }

  get paused() {
    return this.startedAt !== null && this.endsAt === null && this.secondsLeft !== null;
  }

  // hear takes over what a signal says of the clock.
  hear(said) {
    if (said.startedAt) this.startedAt = time(said.startedAt);
    this.endsAt = time(said.endsAt);
    this.secondsLeft = said.secondsLeft ?? null;
  }

  // left is how many seconds are left, rounded up; null where there is no end.
  left(now) {
    if (this.endsAt !== null) return Math.max(0, Math.ceil((this.endsAt - now) / 1000));
    return this.secondsLeft;
  }
}

function time(text) {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}
