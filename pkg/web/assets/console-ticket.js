// A ticket, signed here by somebody who has the key of tickets. The key is in the input
// of the dialog alone, and gone with it.
import { el, say } from "./console-page.js";
import { now } from "./console-server.js";
import { ask, lives, valueOf, wrong } from "./console-dialog.js";

const encode = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
const utf8 = (text) => new TextEncoder().encode(text);

async function sign(secret, claims) {
  const part = (value) => encode(utf8(JSON.stringify(value)));
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  const key = await crypto.subtle.importKey("raw", utf8(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return `${signed}.${encode(await crypto.subtle.sign("HMAC", key, utf8(signed)))}`;
}

// askTicket makes the link with which one person comes into the room.
export function askTicket(room) {
  return ask({
    title: say("ticket.title"), text: say("ticket.text", { room }), confirm: say("ticket.button"),
    fields: [
      { name: "key", label: say("ticket.key"), type: "password", wide: true },
      { name: "user", label: say("lesson.user") },
      { name: "role", label: say("lesson.role") },
      { name: "life", label: say("ticket.life"), options: lives, value: "3600" },
    ],
    act: async (form) => {
      const secret = valueOf(form, "key").trim(), user = valueOf(form, "user").trim(), role = valueOf(form, "role").trim();
      if (!globalThis.crypto?.subtle) throw wrong("key", "ticket.insecure");
      if (utf8(secret).length < 32) throw wrong("key", "ticket.short");
      if (!user) throw wrong("user", "ticket.noUser");
      const iat = Math.floor(now() / 1000) - 10;
      const claims = { aud: "usher", iat, exp: iat + 10 + Number(valueOf(form, "life")), scope: "join", room, sub: user };
      if (role) claims.role = role;
      return `${location.origin}/room/${encodeURIComponent(room)}#ticket=${await sign(secret, claims)}`;
    },
  }).then((made) => made && ask({
    title: say("ticket.title"),
    build({ body }) {
      const link = el("textarea", { id: "link", rows: 5, readonly: true, spellcheck: "false" }, made.value);
      link.addEventListener("focus", () => link.select());
      body.append(el("div", { class: "field wide" }, el("label", { for: "link" }, say("ticket.link")), link));
    },
  }));
}
