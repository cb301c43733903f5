// How Vonage is told where Usher is; the same stands in docs/operations.md.
import { button, el, say } from "./console-page.js";
import { ask } from "./console-dialog.js";

export function showHelp() {
  return ask({
    title: say("help.title"), text: say("help.text"),
    build({ form, body }) {
      form.classList.add("wide");
      const address = el("input", { id: "callback", readonly: true, value: `${location.origin}/session-monitoring` });
      const copy = button("help.copy", () => {
        address.select();
        document.execCommand("copy");
        copy.replaceChildren(...say("help.copied"));
      });
      body.append(
        el("div", { class: "field wide" }, el("label", { for: "callback" }, say("help.address")), el("div", { class: "line" }, address, copy)),
        ...["unified", "opentok"].map((kind) => el("section", { class: "wide" }, el("h3", {}, say(`help.${kind}`)),
          el("ol", {}, [`help.${kind}.1`, `help.${kind}.2`, "help.3", "help.4"].map((step) => el("li", {}, say(step)))))),
        el("p", { class: "wide" }, say("help.check")));
    },
  });
}
