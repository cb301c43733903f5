// A page instead of the one that was asked for: it says times in the reader's zone,
// and where trying again helps it looks by itself whether there is another answer,
// without loading itself again and again under somebody who reads it aloud.
import texts from "./texts-notice.js";
import { Retry } from "./retry.js";
import { moment, span } from "./times.js";
import { fill } from "./words.js";

const patience = 20_000; // ms
const thorough = 60_000; // ms after which it is loaded whatever the look says: that asks the platform too

for (const time of document.querySelectorAll("time")) time.textContent = moment(Date.parse(time.dateTime));

const { retry: given } = document.body.dataset;
const status = performance.getEntriesByType("navigation")[0].responseStatus;
const next = document.getElementById("next");
const retry = new Retry((seconds) => {
  next.hidden = seconds === null;
  if (seconds !== null) next.textContent = fill(texts.nextIn, { time: span(seconds) });
});

async function look() {
  let after = 0;
  try {
    const answer = await fetch(location.href, { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(patience) });
    after = Number(answer.headers.get("Retry-After")) || 0;
    if (answer.status !== status || performance.now() > thorough) {
      location.reload();
      return;
    }
  } catch {
    // asked again
  }
  retry.plan(after, look);
}

if (Number(given) > 0) retry.plan(Number(given), look);
else if (status === 404 && location.hash) history.replaceState(null, "", location.pathname + location.search); // a ticket helps nobody here
