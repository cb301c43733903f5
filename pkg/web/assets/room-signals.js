// What the doorkeeper says to clients. Anybody in the room can send a signal; only
// the server's have no sender.
const names = ["started", "paused", "resumed", "warning", "extended", "ended", "unpublish", "refused"];

const heard = new Set();

// fromUsher gives what a signal says, or null where a peer sent it, it was
// heard before, or it says nothing.
function fromUsher(event) {
  if (event.from !== null) return null;
  let data;
  try {
    data = JSON.parse(event.data);
  } catch {
    return null;
  }
  if (data === null || typeof data !== "object" || typeof data.id !== "string" || heard.has(data.id)) return null;
  heard.add(data.id);
  return data;
}

// listen hands each signal, once, to the handler of its name.
export function listen(session, handlers) {
  for (const name of names) {
    session.on(`signal:usher-${name}`, (event) => {
      const data = fromUsher(event);
      if (data) handlers[name](data);
    });
  }
}
