// The form of a policy: a field of it is an input, in JSON; a text needs no quotes.
// What is wrong with it the server says.
import { el, say } from "./console-page.js";
import { ask, valueOf } from "./console-dialog.js";
import { path, put } from "./console-server.js";

const groups = {
  people: ["maxSeats", "maxByRole", "observers", "allowedUsers", "duplicateUser", "foreignTokens", "rejoinSeconds"],
  time: ["lessonSeconds", "clock", "opensAt", "closesAt", "quorum", "quorumRoles", "warnSeconds"],
  media: ["publish", "unpublishGraceSeconds", "moderators", "archive", "demo"],
};
const choices = {
  duplicateUser: ["replace-older", "refuse-newer", "allow"], foreignTokens: ["accept", "refuse"],
  clock: ["first-quorum", "pause"], archive: ["true", "false"], demo: ["true", "false"],
};
const known = Object.values(groups).flat();

const write = (value) => (value == null ? "" : typeof value === "string" ? value : JSON.stringify(value));

function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

// askPolicy asks for a policy, of a new room where there is no name, and gives the room as
// the server answers it. Fields that it does not know stay as they are.
export async function askPolicy({ name, policy = {}, tag }) {
  const fields = known.map((field) => ({
    name: field, value: write(policy[field]), label: field, help: say(`policy.${field}`),
    options: choices[field] && [["", "–"], ...choices[field].map((c) => [c, c])],
  }));
  if (!name) fields.unshift({ name: "room", label: say("rooms.room"), help: say("policy.room"), wide: true });

  const result = await ask({
    title: name ? say("policy.title", { room: name }) : say("rooms.new"), text: say("policy.text"),
    fields, confirm: say(name ? "policy.save" : "policy.create"),
    build({ form, body, inputs }) {
      form.classList.add("broad");
      for (const [group, members] of Object.entries(groups)) {
        body.append(el("fieldset", {}, el("legend", {}, say(`policy.${group}`)), members.map((m) => inputs.get(m).parentNode)));
      }
    },
    act(form) {
      const wanted = { ...policy };
      for (const field of known) {
        const text = valueOf(form, field);
        // as it was put
        if (text === write(policy[field])) continue;
        if (text) wanted[field] = read(text);
        else delete wanted[field];
      }
      return put(name ?? valueOf(form, "room"), wanted, tag ? { "If-Match": tag } : { "If-None-Match": "*" });
    },
  });
  return result?.value;
}
