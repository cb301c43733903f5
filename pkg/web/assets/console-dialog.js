// Questions that are asked before anything is done.
import { button, byId, el, put, say, tell } from "./console-page.js";
import { Away } from "./console-server.js";

// ask shows a dialog with fields and gives what act gave, or null. A refusal of act stands
// in the dialog, beside the fields that it names. build may change the form.
export function ask({ title, text = [], fields = [], confirm, danger = false, act, build = () => {} }) {
  const dialog = byId("ask");
  const trouble = el("p", { class: "bad", role: "alert" });
  const inputs = new Map();
  const body = el("div", { class: "fields" }, fields.map((f) => field(f, inputs)));
  const sure = confirm && el("button", { class: danger ? "main danger" : "main" }, confirm);
  const form = el("form", { novalidate: true, autocomplete: "off" },
    el("h2", { id: "ask-title" }, title), el("p", {}, text), body, trouble,
    el("div", { class: "line end" }, button(confirm ? "ask.cancel" : "ask.close", () => dialog.close()), sure || []));
  const parts = { form, body, inputs, trouble, dialog };
  build(parts);
  dialog.replaceChildren(form);

  return new Promise((resolve) => {
    let result = null, busy = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (!act || busy) return;
      clear(parts);
      busy = sure.disabled = true;
      try {
        result = { value: await act(parts) };
      } catch (error) {
        if (form.isConnected) refuse(parts, error);
        else tell("refused", words(error));
      }
      busy = sure.disabled = false;
      if (!form.isConnected) resolve(result);
      else if (result) dialog.close();
    });
    // What is on its way when the dialog is closed is done all the same: what comes of it
    // is told then, and another dialog may be open. So may one be when the event of the
    // closing comes, which is a moment later.
    dialog.onclose = () => {
      if (dialog.open) return;
      dialog.replaceChildren();
      if (!busy) resolve(result);
    };
    dialog.showModal();
  });
}

// lives are how long something is good, to choose from.
export const lives = ["600", "3600", "86400", "604800"].map((s) => [s, say(`ban.${s}`)]);

export const valueOf = ({ inputs }, name) => inputs.get(name).value;

// wrong says of a field's value that it is not even sent.
export const wrong = (field, key) => Object.assign(new Error(say(key).join("")), { fields: [field] });

function field(f, inputs) {
  const id = `field-${f.name}`;
  const shared = { id, name: f.name, "aria-describedby": `${id}-help ${id}-bad`, autocomplete: "off", spellcheck: "false" };
  let input;
  if (f.options) {
    input = el("select", shared, f.options.map(([value, label]) => el("option", { value }, label)));
  } else if (f.lines) {
    input = el("textarea", { ...shared, rows: f.lines });
  } else {
    input = el("input", { ...shared, type: f.type ?? "text", dir: "auto" });
  }
  input.value = f.value ?? "";
  inputs.set(f.name, input);
  return el("div", { class: f.wide || f.lines ? "field wide" : "field" },
    el("label", { for: id }, f.label), input,
    el("p", { id: `${id}-help`, class: "soft" }, f.help ?? []),
    el("p", { id: `${id}-bad`, class: "bad" }));
}

function clear({ inputs, trouble }) {
  trouble.replaceChildren();
  for (const input of inputs.values()) {
    input.removeAttribute("aria-invalid");
    byId(`${input.id}-bad`)?.replaceChildren();
  }
}

// about are the fields that a refusal is about by its code.
const about = { "invalid-user": "user", "invalid-room": "room", "not-found": "room", "method-not-allowed": "room", changed: "room" };

// refuse says why not: beside each field that the refusal names, or below all of them.
function refuse({ inputs, trouble }, error) {
  const fields = error.fields?.length ? error.fields : [about[error.code]];
  const named = fields.map((name) => inputs.get(name)).filter(Boolean);
  for (const input of named) {
    input.setAttribute("aria-invalid", "true");
    byId(`${input.id}-bad`).textContent = share(error.message, input.name);
  }
  if (named.length) named[0].focus();
  else put(trouble, words(error));
}

// share is what a refusal of several fields says of one; all of it where that cannot be told.
const share = (message, name) => message.split(/; (?=\w+ must )/).find((part) => part.startsWith(`${name} `)) ?? message;

// words are the nodes that say what went wrong.
export function words(error) {
  if (error instanceof Away) return say("cannot", { detail: say("noAnswer") });
  return error.code === "changed" ? say("policy.changed") : say("cannot", { detail: error.message });
}
