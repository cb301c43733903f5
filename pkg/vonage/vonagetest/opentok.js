// A stand-in for the vendor's browser script, for pages that take part in a
// session of the simulated platform. It offers the part of OpenTok.js that is
// written here and nothing else, draws boxes instead of pictures, asks for no
// device (but obeys a browser that has refused them), tells nobody else who is
// muted, and does everything through the simulator's /client/ paths, which any
// script can use with the same token.
(() => {
  "use strict";

  const base = new URL(".", document.currentScript.src).href;

  // --- events -----------------------------------------------------------

  class Emitter {
    #handlers = new Map();

    on(names, handler) {
      if (typeof names === "object") {
        for (const [name, one] of Object.entries(names)) this.on(name, one);
        return this;
      }
      for (const name of names.split(/\s+/)) {
        if (!this.#handlers.has(name)) this.#handlers.set(name, []);
        this.#handlers.get(name).push(handler);
      }
      return this;
    }

    once(names, handler) {
      const one = (event) => {
        this.off(names, one);
        handler.call(this, event);
      };
      one.of = handler;
      return this.on(names, one);
    }

    off(names, handler) {
      if (names === undefined) {
        this.#handlers.clear();
        return this;
      }
      for (const name of names.split(/\s+/)) {
        const left = (this.#handlers.get(name) || []).filter((h) => handler && h !== handler && h.of !== handler);
        this.#handlers.set(name, left);
      }
      return this;
    }

    // _emit calls the handlers and reports whether the default may follow.
    _emit(type, fields) {
      let allowed = true;
      const event = {
        type, target: this, ...fields,
        preventDefault() { allowed = false; },
        isDefaultPrevented() { return !allowed; },
      };
      for (const handler of [...(this.#handlers.get(type) || [])]) {
        try {
          handler.call(this, event);
        } catch (error) {
          console.error(error);
        }
      }
      return allowed;
    }
  }

  // --- errors and requests ------------------------------------------------

  const names = {
    400: "OT_INVALID_PARAMETER", 403: "OT_PERMISSION_DENIED", 404: "OT_NOT_FOUND", 413: "OT_PAYLOAD_TOO_LARGE",
  };

  function failure(name, message, code) {
    const error = new Error(message);
    error.name = name;
    error.code = code;
    return error;
  }

  async function call(token, method, path, body, keepalive) {
    let answer;
    try {
      answer = await fetch(base + path, {
        method, keepalive: Boolean(keepalive), cache: "no-store",
        headers: { Authorization: "Bearer " + token, ...(body ? { "Content-Type": "application/json" } : {}) },
        body: body ? JSON.stringify(body) : undefined,
      });
    } catch (error) {
      throw failure("OT_NOT_CONNECTED", "The simulator does not answer.", 0);
    }
    const text = await answer.text();
    const value = text ? JSON.parse(text) : null;
    if (!answer.ok) {
      const message = value && value.message ? value.message : "HTTP status " + answer.status;
      throw failure(names[answer.status] || "OT_UNEXPECTED_SERVER_RESPONSE", message, answer.status);
    }
    return value;
  }

  // finish hands the outcome of a promise to a completion handler.
  function finish(promise, callback) {
    promise.then(
      (value) => callback && callback(undefined, value),
      (error) => (callback ? callback(error) : console.error(error)),
    );
  }

  // --- boxes ----------------------------------------------------------------

  let boxes = 0;

  // pictures are what a box shows in place of what a camera or a screen would.
  const picture = (inner) => `url("data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 100">${inner}</svg>`)}")`;
  const pictures = {
    camera: picture('<g fill="#fff" fill-opacity=".55"><circle cx="80" cy="42" r="19"/><path d="M40 104c0-26 18-38 40-38s40 12 40 38z"/></g>'),
    screen: picture('<rect x="18" y="14" width="124" height="72" rx="3" fill="#fff"/><g fill="#333" fill-opacity=".5"><path d="M28 24h56v7H28zM28 40h104v3H28zM28 48h92v3H28zM28 56h99v3H28z"/><path d="M28 66h24v12H28zM58 66h24v12H58z" fill-opacity=".3"/></g>'),
  };

  // draw puts a coloured box where the page wants the picture.
  function draw(target, props, id, kind, label, className) {
    let place = typeof target === "string" ? document.getElementById(target) : target;
    if (props.insertDefaultUI === false) return null;
    const mode = place ? props.insertMode || "replace" : "append";
    place = place || document.body;
    const box = mode === "replace" ? place : document.createElement("div");
    box.id = box.id || "OT_" + ++boxes;
    box.classList.add("OT_root", className);
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", label);
    const hue = [...id].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) % 360, 7);
    const size = (v, otherwise) => (v === undefined ? otherwise : typeof v === "number" ? v + "px" : v);
    Object.assign(box.style, {
      width: size(props.width, "264px"), height: size(props.height, "198px"), overflow: "hidden",
      display: "flex", alignItems: "center", justifyContent: "center",
      color: "white", font: "14px sans-serif",
      background: `${pictures[kind] || "none"} center / ${props.fitMode || "cover"} no-repeat hsl(${hue} 30% 38%)`,
    });
    if (!pictures[kind]) box.textContent = label;
    if (mode === "before" || mode === "after") place[mode](box);
    else if (mode === "append") place.append(box);
    return box;
  }

  // --- publisher and subscriber ----------------------------------------------

  // kindOf says what the page declares to publish.
  function kindOf(props) {
    const source = props.videoSource;
    if (source === null || source === false) return "audio";
    if (source === "screen" || source === "window" || source === "application") return "screen";
    return typeof source === "object" ? "custom" : "camera";
  }

  // refusal is the error of a browser that has refused the device, or undefined.
  async function refusal(kind) {
    const name = { camera: "camera", audio: "microphone" }[kind];
    if (!name || !navigator.permissions) return undefined;
    const { state } = await navigator.permissions.query({ name }).catch(() => ({}));
    return state === "denied" ? failure("OT_USER_MEDIA_ACCESS_DENIED", "End-user denied permission to hardware devices", 1500) : undefined;
  }

  class Publisher extends Emitter {
    constructor(target, props) {
      super();
      this._ready = refusal(kindOf(props));
      this._props = { ...props, kind: kindOf(props) };
      this.stream = undefined;
      this.streamId = undefined;
      this.session = undefined;
      this.element = draw(target, props, String(Math.random()), this._props.kind, props.name || this._props.kind, "OT_publisher");
      this.id = this.element ? this.element.id : undefined;
    }

    _started(session, stream) {
      Object.assign(this, { session, stream, streamId: stream.streamId });
      this._emit("streamCreated", { stream });
    }

    _ended(stream, reason) {
      Object.assign(this, { session: undefined, stream: undefined, streamId: undefined });
      if (this._emit("streamDestroyed", { stream, reason, cancelable: true })) this.destroy();
    }

    publishAudio(value) { return this._change("hasAudio", value); }

    publishVideo(value) { return this._change("hasVideo", value); }

    _change(changedProperty, newValue) {
      const { stream, session } = this;
      if (!stream || stream[changedProperty] === newValue) return this;
      const oldValue = stream[changedProperty];
      stream[changedProperty] = newValue;
      session._emit("streamPropertyChanged", { stream, changedProperty, oldValue, newValue });
      return this;
    }

    destroy() {
      const session = this.session;
      if (session) session.unpublish(this);
      if (this.element) this.element.remove();
      if (this._destroyed) return this;
      this._destroyed = true;
      this._emit("destroyed", {});
      return this;
    }
  }

  class Subscriber extends Emitter {
    constructor(target, stream, props) {
      super();
      this.stream = stream;
      this.streamId = stream.streamId;
      this.element = draw(target, props, stream.streamId, stream.videoType, stream.name || stream.videoType || "audio", "OT_subscriber");
      this.id = this.element ? this.element.id : undefined;
    }

    _ended(reason) {
      if (this.element) this.element.remove();
      this._emit("destroyed", { reason });
    }
  }

  // --- session ------------------------------------------------------------------

  class Session extends Emitter {
    #token = "";
    #seq = 0;
    #stop = null;
    #gone = null;
    #peers = new Map();
    #streams = new Map();
    #publishers = new Map(); // stream id to publisher
    #publishing = new Set(); // publishers whose stream is not known yet
    #subscribers = new Set();

    constructor(sessionId) {
      super();
      this.sessionId = sessionId;
      this.id = sessionId;
      this.connection = undefined;
      this.capabilities = undefined;
    }

    isConnected() { return this.connection !== undefined; }

    #path(rest) {
      const connections = "client/sessions/" + encodeURIComponent(this.sessionId) + "/connections";
      return rest === undefined ? connections : connections + "/" + this.connection.connectionId + rest;
    }

    connect(token, callback) {
      finish(this.#connect(token), callback && ((error) => callback(error)));
      return this;
    }

    async #connect(token) {
      if (this.#token) throw failure("OT_ALREADY_CONNECTED", "This session object is connected or connecting.", 1000);
      this.#token = token;
      let made;
      try {
        made = await call(token, "POST", this.#path());
      } catch (error) {
        this.#token = "";
        throw error.code === 403 ? failure("OT_AUTHENTICATION_ERROR", error.message, 1004)
          : error.code === 404 ? failure("OT_INVALID_SESSION_ID", error.message, 1005)
          : failure("OT_CONNECT_FAILED", error.message, 1006);
      }
      this.connection = this.#peer(made);
      const moderates = Number(made.role === "moderator");
      this.capabilities = {
        publish: Number(made.role !== "subscriber"), subscribe: Number(made.role !== "publisheronly"),
        forceDisconnect: moderates, forceUnpublish: moderates, forceMute: moderates,
      };
      this.#seq = 0;
      this.#gone = () => this.#leave();
      addEventListener("pagehide", this.#gone);
      this.#listen();
      this._emit("sessionConnected", { connections: [this.connection], streams: [] });
    }

    disconnect() {
      if (!this.isConnected()) return;
      this.#leave();
      this.#close("clientDisconnected");
    }

    // leave tells the platform even while the page is being closed.
    #leave() {
      call(this.#token, "DELETE", this.#path(""), undefined, true).catch(() => {});
    }

    // listen reads the connection's events, and again from where it was when the
    // stream breaks, until the platform says that the connection is over.
    async #listen() {
      const stop = new AbortController();
      this.#stop = stop;
      for (let failures = 0; failures < 5 && !stop.signal.aborted; failures++) {
        try {
          const answer = await fetch(base + this.#path("/events?after=" + this.#seq), {
            headers: { Authorization: "Bearer " + this.#token }, signal: stop.signal, cache: "no-store",
          });
          if (!answer.ok) break;
          if (failures > 0) this._emit("sessionReconnected", {});
          failures = 0;
          await this.#read(answer.body.getReader(), stop.signal);
        } catch (error) {
          if (stop.signal.aborted) return;
        }
        if (failures === 0 && !stop.signal.aborted) this._emit("sessionReconnecting", {});
        await new Promise((done) => setTimeout(done, 300));
      }
      if (!stop.signal.aborted) this.#close("networkDisconnected");
    }

    async #read(reader, signal) {
      const decoder = new TextDecoder();
      let buffer = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done || signal.aborted) return;
        buffer += decoder.decode(value, { stream: true });
        const parts = buffer.split("\n\n");
        buffer = parts.pop();
        for (const part of parts) {
          const line = part.split("\n").find((one) => one.startsWith("data: "));
          if (line && !signal.aborted) this.#heard(JSON.parse(line.slice(6)));
        }
      }
    }

    #heard(m) {
      this.#seq = m.seq;
      switch (m.event) {
        case "connectionCreated": return this.#arrived(m);
        case "connectionDestroyed": return this.#departed(m);
        case "streamCreated": return this.#published(m);
        case "streamDestroyed": return this.#unpublished(m);
        case "signal": return this.#signalled(m);
        case "sessionDisconnected": return this.#close(m.reason);
      }
    }

    #peer(c) {
      if (this.connection && c.connectionId === this.connection.connectionId) return this.connection;
      const known = this.#peers.get(c.connectionId);
      const peer = known || { connectionId: c.connectionId, id: c.connectionId, creationTime: c.createdAt, data: c.data };
      this.#peers.set(c.connectionId, peer);
      return peer;
    }

    #arrived(m) {
      this._emit("connectionCreated", { connection: this.#peer(m.connection) });
    }

    #departed(m) {
      const connection = this.#peer(m.connection);
      this.#peers.delete(connection.connectionId);
      this._emit("connectionDestroyed", { connection, reason: m.reason });
    }

    #stream(s) {
      const known = this.#streams.get(s.streamId);
      if (known) return known;
      const audio = s.kind === "audio";
      const stream = {
        streamId: s.streamId, id: s.streamId, name: s.name, creationTime: s.createdAt,
        hasAudio: true, hasVideo: !audio, videoType: audio ? undefined : s.kind,
        connection: this.#peer({ connectionId: s.connectionId }),
      };
      this.#streams.set(s.streamId, stream);
      return stream;
    }

    #published(m) {
      const stream = this.#stream(m.stream);
      if (stream.connection !== this.connection) this._emit("streamCreated", { stream });
    }

    #unpublished(m) {
      const stream = this.#stream(m.stream);
      this.#streams.delete(stream.streamId);
      const publisher = this.#publishers.get(stream.streamId);
      if (stream.connection === this.connection) {
        this.#publishers.delete(stream.streamId);
        if (publisher) publisher._ended(stream, m.reason);
        return;
      }
      const allowed = this._emit("streamDestroyed", { stream, reason: m.reason, cancelable: true });
      if (allowed) this.#dropSubscribers(stream, m.reason);
    }

    #dropSubscribers(stream, reason) {
      for (const subscriber of [...this.#subscribers]) {
        if (stream && subscriber.stream !== stream) continue;
        this.#subscribers.delete(subscriber);
        subscriber._ended(reason);
      }
    }

    #signalled(m) {
      const fields = { data: m.data || "", from: m.from ? this.#peer(m.from) : null };
      this._emit("signal", { ...fields, signalType: m.type });
      if (m.type) this._emit("signal:" + m.type, fields);
    }

    // close ends this session object for the page, once.
    #close(reason) {
      if (!this.isConnected()) return;
      this.#stop.abort();
      removeEventListener("pagehide", this.#gone);
      for (const [id, publisher] of [...this.#publishers]) {
        this.#publishers.delete(id);
        publisher._ended(publisher.stream, reason);
      }
      const mine = this.connection;
      this.#token = "";
      this.#peers.clear();
      this.#streams.clear();
      this.connection = undefined;
      if (this._emit("sessionDisconnected", { reason, connection: mine, cancelable: true })) this.#dropSubscribers(null, reason);
    }

    publish(publisher, callback) {
      if (!(publisher instanceof Publisher)) throw new TypeError("publish wants what OT.initPublisher gave");
      finish(this.#publish(publisher), callback && ((error) => callback(error)));
      return publisher;
    }

    async #publish(publisher) {
      this.#mustBeConnected();
      if (publisher.session || this.#publishing.has(publisher)) {
        throw failure("OT_UNABLE_TO_PUBLISH", "This publisher is publishing already.", 1500);
      }
      const { kind, name } = publisher._props;
      publisher._unwanted = false;
      this.#publishing.add(publisher);
      try {
        const refused = await publisher._ready;
        if (refused) throw refused;
        const made = await call(this.#token, "POST", this.#path("/streams"), { kind, name: name || "" });
        if (!this.isConnected()) return;
        const stream = this.#stream(made);
        this.#publishers.set(stream.streamId, publisher);
        publisher._started(this, stream);
        if (publisher._unwanted) this.unpublish(publisher);
      } finally {
        this.#publishing.delete(publisher);
      }
    }

    unpublish(publisher) {
      if (this.#publishing.has(publisher)) publisher._unwanted = true;
      const stream = publisher && publisher.stream;
      if (!stream || publisher.session !== this) return;
      this.#publishers.delete(stream.streamId);
      call(this.#token, "DELETE", this.#path("/streams/" + stream.streamId)).catch(() => {});
      publisher._ended(stream, "clientUnpublished");
    }

    subscribe(stream, target, props, callback) {
      if (typeof target === "function") [target, props, callback] = [undefined, {}, target];
      if (typeof props === "function") [props, callback] = [{}, props];
      const subscriber = new Subscriber(target, stream, props || {});
      this.#subscribers.add(subscriber);
      finish(this.#subscribe(subscriber), callback && ((error) => callback(error)));
      return subscriber;
    }

    async #subscribe(subscriber) {
      try {
        this.#mustBeConnected();
        await call(this.#token, "GET", this.#path("/streams/" + subscriber.streamId));
      } catch (error) {
        this.#subscribers.delete(subscriber);
        subscriber._ended("subscribeFailed");
        throw error;
      }
    }

    signal(signal, callback) {
      finish(this.#signal(signal), callback && ((error) => callback(error)));
    }

    async #signal(signal) {
      this.#mustBeConnected();
      const { type = "", data = "", to } = signal;
      const receiver = to ? to.connectionId || to : "";
      await call(this.#token, "POST", this.#path("/signals"), { type, data: String(data), to: receiver });
    }

    #mustBeConnected() {
      if (!this.isConnected()) throw failure("OT_NOT_CONNECTED", "The session is not connected.", 1010);
    }
  }

  // --- OT -------------------------------------------------------------------------

  window.OT = Object.freeze({
    initSession(applicationIdOrKey, sessionId) {
      if (!applicationIdOrKey || !sessionId) throw failure("OT_INVALID_PARAMETER", "initSession wants a key and a session id", 1011);
      return new Session(sessionId);
    },

    initPublisher(target, props, callback) {
      if (typeof target === "function") [target, props, callback] = [undefined, {}, target];
      if (typeof props === "function") [props, callback] = [{}, props];
      const publisher = new Publisher(target, props || {});
      publisher._ready.then((error) => {
        if (callback) callback(error, publisher);
        publisher._emit(error ? "accessDenied" : "accessAllowed", {});
        if (error) publisher.destroy();
      });
      return publisher;
    },
  });
})();
