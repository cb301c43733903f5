// Does one thing with the vendor's SDKs: reads {environment, url, project,
// secret, do, ...} from standard input and writes the outcome as JSON.
// An OpenTok project's secret is its API secret, an application's its RSA key.
"use strict";

const OpenTok = require("opentok");
const { Auth } = require("@vonage/auth");
const { Video } = require("@vonage/video");
const { verifySignature } = require("@vonage/jwt");

const called = (f) => new Promise((resolve, reject) => {
  f((error, value) => (error ? reject(error) : resolve(value)));
});

function openTok(a) {
  const sdk = new OpenTok(a.project, a.secret, a.url);
  return {
    create: async () => (await called((cb) => sdk.createSession({ mediaMode: "routed", archiveMode: "always" }, cb))).sessionId,
    token: async () => sdk.generateToken(a.session, { data: a.data, role: a.role, expireTime: a.expires }),
    disconnect: () => called((cb) => sdk.forceDisconnect(a.session, a.connection, cb)),
    signal: () => called((cb) => sdk.signal(a.session, a.connection, { type: a.type, data: a.data }, cb)),
    streams: async () => (await called((cb) => sdk.listStreams(a.session, cb))).map((s) => s.id),
    mute: () => called((cb) => sdk.forceMuteStream(a.session, a.stream, cb)),
  };
}

function unified(a) {
  const sdk = new Video(new Auth({ applicationId: a.project, privateKey: a.secret }), { videoHost: a.url });
  return {
    create: async () => (await sdk.createSession({ mediaMode: "disabled", archiveMode: "always" })).sessionId,
    token: async () => sdk.generateClientToken(a.session, { data: a.data, role: a.role, expireTime: a.expires }),
    disconnect: () => sdk.disconnectClient(a.session, a.connection),
    signal: () => sdk.sendSignal({ type: a.type, data: a.data }, a.session, a.connection),
    streams: async () => (await sdk.getStreamInfo(a.session)).items.map((s) => s.id),
    mute: () => sdk.muteStream(a.session, a.stream),
  };
}

async function main() {
  const a = JSON.parse(require("fs").readFileSync(0, "utf8"));
  const peer = { openTok, unified }[a.environment](a);
  peer.verify = async () => verifySignature(a.token, a.key);
  const value = await peer[a.do]();
  process.stdout.write(JSON.stringify({ value: value === undefined ? null : value }));
}

main().catch((error) => {
  process.stderr.write(String(error && error.stack) + "\n");
  process.exit(1);
});
