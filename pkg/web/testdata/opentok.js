// What the room's page sees of the platform, driven by a test: fire() is an
// event of the session, fireOwn() one of what is published, asked is what the page
// did; what ?broken= names fails, with the name of an error that ?error= says.
"use strict";

window.asked = [];
window.seenByTheScript = location.href;
const query = new URLSearchParams(location.search);
const broken = (query.get("broken") || "").split(",");
const outcome = (name, callback) => {
  window.asked.push(name);
  const error = Object.assign(new Error("broken"), { name: query.get("error") || "OT_UNKNOWN" });
  if (callback) setTimeout(() => callback(broken.includes(name) ? error : undefined), 0);
};
const emitter = () => {
  const handlers = {};
  return {
    on(name, handle) { (handlers[name] ||= []).push(handle); },
    fire(name, event) { (handlers[name] || []).forEach((handle) => handle(event)); },
  };
};

window.OT = {
  initSession(key, id) {
    window.asked.push(`initSession ${key} ${id}`);
    const session = emitter();
    window.fire = session.fire;
    return Object.assign(session, {
      capabilities: { publish: query.has("listens") ? 0 : 1 },
      connect(token, callback) {
        window.token = token;
        session.connection = { connectionId: "me", data: '{"usher":"x","data":{"name":"Ada"}}' };
        outcome("connect", callback);
      },
      disconnect() {
        window.asked.push("disconnect");
        session.fire("sessionDisconnected", { reason: "clientDisconnected" });
      },
      publish(publisher, callback) {
        publisher.stream = { streamId: `my ${publisher.kind}` };
        outcome("publish", callback);
      },
      unpublish(publisher) { window.asked.push(`unpublish ${publisher.kind}`); },
      subscribe(stream, where, options, callback) { outcome(`subscribe ${stream.streamId}`, callback); },
    });
  },
  initPublisher(where, { videoSource }, callback) {
    const publisher = emitter();
    window.fireOwn = publisher.fire;
    outcome("initPublisher", callback);
    return Object.assign(publisher, {
      kind: videoSource === null ? "audio" : videoSource || "camera",
      destroy() { window.asked.push("destroy"); },
      publishAudio(on) { window.asked.push(`publishAudio ${on}`); },
      publishVideo(on) { window.asked.push(`publishVideo ${on}`); },
    });
  },
};
