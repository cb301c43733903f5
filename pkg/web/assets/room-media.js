// What the visitor shows and says: one stream for camera and microphone, one for
// the screen. Everything here is undone at once where the doorkeeper asks.
import texts from "./texts-room.js";
import { fill } from "./words.js";

const byId = (id) => document.getElementById(id);

export const box = { insertMode: "append", width: "100%", height: "100%", style: { nameDisplayMode: "off" } };
export const whole = { ...box, fitMode: "contain" }; // of a screen nothing may be cut off

// why says in words why there is nothing to see or to hear, by the names of the
// errors of the platform's script.
function why(kind, error) {
  const known = {
    OT_USER_MEDIA_ACCESS_DENIED: "denied", OT_NO_DEVICES_FOUND: "missing", OT_HARDWARE_UNAVAILABLE: "missing",
    OT_SCREEN_SHARING_NOT_SUPPORTED: "missing",
  };
  return fill(texts[`${known[error.name] || "broken"}.${kind}`], { error: error.message || error.name });
}

export class Media {
  #session = null;
  #places = null; // of the pictures: me and screen, each gives one
  #own = null; // what is published of camera and microphone: {publisher, kind}
  #shared = null; // of the screen
  #on = { audio: true, video: true }; // as the visitor wants it, also after a reconnection
  #barred = new Set(); // kinds that the doorkeeper has asked away

  // tell is told what the visitor has to know.
  constructor(tell) {
    this.tell = tell;
    const press = (id, kind, act) => byId(id).addEventListener("click", () => this.#barred.has(kind) || act());
    press("microphone", "audio", () => this.#toggle("audio"));
    press("camera", "camera", () => this.#toggle("video"));
    press("screen", "screen", () => (this.#shared ? this.#stop(this.#shared) : this.#start("screen")));
  }

  begin(session, places) {
    this.#session = session;
    this.#places = places;
    this.#barred.clear();
    const listens = session.capabilities && session.capabilities.publish === 0;
    for (const id of ["microphone", "camera", "screen"]) byId(id).hidden = listens;
    if (!(navigator.mediaDevices && navigator.mediaDevices.getDisplayMedia)) byId("screen").hidden = true;
    if (listens) this.tell(texts.watching);
    else this.#start("camera");
  }

  // end lets go of the devices.
  end() {
    for (const one of [this.#own, this.#shared]) if (one) one.publisher.destroy();
    this.#session = this.#own = this.#shared = null;
  }

  // asked stops the stream that the doorkeeper names, also where the page does not
  // know its id yet.
  asked({ streamId, kind }) {
    for (const one of [this.#own, this.#shared]) {
      if (!one) continue;
      const id = one.publisher.stream && one.publisher.stream.streamId;
      if (id ? id !== streamId : (kind === "screen" || kind === "custom") !== (one.kind === "screen")) continue;
      this.#barred.add(one.kind);
      this.#stop(one);
      this.tell(texts[`stopped.${one.kind}`]);
    }
  }

  #start(kind) {
    const session = this.#session;
    const screen = kind === "screen";
    const { picture, close } = this.#places[screen ? "screen" : "me"]();
    const one = { publisher: null, kind, close };
    let told = false;
    const failed = (error) => {
      if (!error || told) return;
      told = true;
      if (this.#session === session) this.tell(why(kind, error));
      if (one.publisher) one.publisher.destroy();
      this.#gone(one);
    };
    const props = {
      camera: { publishAudio: this.#on.audio, publishVideo: this.#on.video },
      audio: { videoSource: null, publishAudio: this.#on.audio },
      screen: { videoSource: "screen", publishAudio: false },
    };
    const publisher = OT.initPublisher(picture, { ...(screen ? whole : box), ...props[kind] }, failed);
    one.publisher = publisher;
    if (told) return;
    publisher.on("streamDestroyed", () => this.#gone(one));
    publisher.on("mediaStopped", () => this.#stop(one));
    publisher.on("muteForced", () => {
      this.#on.audio = false;
      this.tell(texts.mutedByOther);
      this.#show();
    });
    if (screen) this.#shared = one;
    else this.#own = one;
    session.publish(publisher, failed);
    this.#show();
  }

  #stop(one) {
    if (this.#session) this.#session.unpublish(one.publisher);
    this.#gone(one);
  }

  #gone(one) {
    if (this.#own === one) this.#own = null;
    if (this.#shared === one) this.#shared = null;
    one.close();
    this.#show();
  }

  // toggle switches sound or picture off and on. What is not there is started: the
  // microphone alone, or both.
  #toggle(what) {
    const own = this.#own;
    if (!own || (what === "video" && own.kind === "audio")) {
      this.#on[what] = true;
      if (own) this.#stop(own);
      this.#start(what === "video" ? "camera" : "audio");
      return;
    }
    this.#on[what] = !this.#on[what];
    if (what === "audio") own.publisher.publishAudio(this.#on.audio);
    else own.publisher.publishVideo(this.#on.video);
    this.#show();
  }

  #show() {
    const own = this.#own;
    label("microphone", own && this.#on.audio, texts.mute, texts.unmute, this.#barred.has("audio"));
    label("camera", own && own.kind === "camera" && this.#on.video, texts.cameraOff, texts.cameraOn, this.#barred.has("camera"));
    label("screen", this.#shared, texts.unshare, texts.share, this.#barred.has("screen"));
    if (this.#places) this.#places.changed(Boolean(own && own.kind === "camera" && this.#on.video));
  }
}

function label(id, isOn, off, on, barred) {
  const button = byId(id);
  button.querySelector("span").textContent = isOn ? off : on;
  button.classList.toggle("off", !isOn);
  button.ariaDisabled = String(barred); // and keeps the focus
}
