// Spans of time in the page's language, and moments in the reader's own zone.
const language = document.documentElement.lang || undefined;

function unit(count, name) {
  return new Intl.NumberFormat(language, { style: "unit", unit: name, unitDisplay: "long" }).format(count);
}

// span says how long that many seconds are: "40 seconds", "5 minutes".
export function span(seconds) {
  if (seconds < 90) return unit(Math.round(seconds), "second");
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return unit(minutes, "minute");
  const hours = unit(Math.floor(minutes / 60), "hour");
  return minutes % 60 ? `${hours} ${unit(minutes % 60, "minute")}` : hours;
}

// moment says when that is, with the day where it is not today.
export function moment(ms) {
  const at = new Date(ms);
  const day = at.toDateString() === new Date().toDateString() ? {} : { weekday: "short", day: "numeric", month: "short" };
  return at.toLocaleString(undefined, { ...day, hour: "numeric", minute: "2-digit" });
}
