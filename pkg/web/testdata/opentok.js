// What the room's page sees of the platform, driven by a test: fire() is an
// event of the session, asked is what the page did; what ?broken= names fails.
"use strict";

window.asked = [];
const broken = (new URLSearchParams(location.search).get("broken") || "").split(",");
const handlers = {};
const outcome = (name, callback) => {
  window.asked.push(name);
  if (callback) setTimeout(() => callback(broken.includes(name) ? new Error("broken") : undefined), 0);
};

window.fire = (name, event) => (handlers[name] || []).forEach((handle) => handle(event));

window.OT = {
  initSession(key, id) {
    window.asked.push(`initSession ${key} ${id}`);
    return {
      on(name, handle) { (handlers[name] ||= []).push(handle); },
      connect(token, callback) { outcome("connect", callback); window.token = token; },
      publish(publisher, callback) { publisher.stream = { streamId: "mine" }; outcome("publish", callback); },
      unpublish() { window.asked.push("unpublish"); },
      subscribe(stream, where, options, callback) { outcome(`subscribe ${stream.streamId} ${where}`, callback); },
    };
  },
  initPublisher(where, options, callback) { outcome("initPublisher", callback); return {}; },
};
