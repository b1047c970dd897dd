// Participants as tabs: arrow keys, Home and End move, as ARIA's practices describe it.
import { element, setText } from "./dom.js";
import { signed } from "./format.js";

export class Tabs {
  #list;
  #panel;
  #changed;
  #tabs = new Map();
  #chosen = null;

  constructor(list, panel, changed) {
    this.#list = list;
    this.#panel = panel;
    this.#changed = changed;
    list.addEventListener("keydown", (event) => this.#move(event));
  }

  /** The participant to show, of all that are known. */
  update(participants) {
    for (const name of this.#tabs.keys()) if (!participants.has(name)) this.#remove(name);
    for (const name of participants.keys()) if (!this.#tabs.has(name)) this.#add(name);
    if (!participants.has(this.#chosen)) this.#choose(participants.keys().next().value ?? null);
    for (const [name, participant] of participants) {
      setText(this.#tabs.get(name).querySelector("small"), summary(participant));
    }
    return participants.get(this.#chosen) ?? null;
  }

  #add(name) {
    const tab = element(
      "button",
      { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": "panel" },
      name,
      element("small"),
    );
    tab.addEventListener("click", () => {
      this.#choose(name);
      this.#changed();
    });
    this.#tabs.set(name, tab);
    this.#list.append(tab);
    this.#mark();
  }

  #remove(name) {
    this.#tabs.get(name).remove();
    this.#tabs.delete(name);
  }

  #choose(name) {
    this.#chosen = name;
    this.#mark();
  }

  #mark() {
    for (const [name, tab] of this.#tabs) {
      const chosen = name === this.#chosen;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
    }
    if (this.#tabs.has(this.#chosen)) this.#panel.setAttribute("aria-labelledby", `tab-${this.#chosen}`);
  }

  #move(event) {
    const names = [...this.#tabs.keys()];
    const place = names.indexOf(this.#chosen);
    const target = {
      ArrowRight: (place + 1) % names.length,
      ArrowLeft: (place - 1 + names.length) % names.length,
      Home: 0,
      End: names.length - 1,
    }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    this.#choose(names[target]);
    this.#tabs.get(names[target]).focus();
    this.#changed();
  }
}

function summary(participant) {
  if (participant.health?.state === "bye") return "ended";
  const newest = participant.newest;
  if (!newest) return "";
  return newest.sentiment ? signed(newest.sentiment.value) : "no estimate";
}
