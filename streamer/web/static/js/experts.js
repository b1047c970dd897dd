// How much each expert has to say about each stream, as bars.
import { element, setText } from "./dom.js";
import { STREAMS } from "./format.js";

export class Experts {
  #box;
  #count = 0;
  #rows = new Map();

  constructor(box) {
    this.#box = box;
  }

  show(participant) {
    const routing = participant?.newest?.routing ?? {};
    const count = Math.max(0, ...Object.values(routing).map((weights) => weights.length));
    if (count && count !== this.#count) this.#build(count);
    for (const [stream, { bars, text }] of this.#rows) {
      const weights = routing[stream] ?? [];
      bars.forEach((bar, place) => {
        bar.style.setProperty("--share", `${100 * (weights[place] ?? 0)}%`);
      });
      setText(text, weightsText(weights));
    }
  }

  #build(count) {
    this.#count = count;
    const numbers = [...Array(count).keys()];
    this.#box.replaceChildren();
    for (const stream of STREAMS) {
      const bars = numbers.map(() => element("span", { class: "bar" }));
      const text = element("span", { class: "unseen" });
      const row = element("div", { class: "bars", "data-stream": stream, "aria-hidden": "true" }, ...bars);
      this.#box.append(element("div", {}, element("span", {}, stream, text), row));
      this.#rows.set(stream, { bars, text });
    }
    const names = numbers.map((number) => element("span", {}, String(number + 1)));
    this.#box.append(
      element("div", { "aria-hidden": "true" }, element("span"), element("div", { class: "bar-names" }, ...names)),
    );
  }
}

function weightsText(weights) {
  const asked = weights
    .map((weight, place) => [weight, place + 1])
    .filter(([weight]) => weight > 0.005)
    .map(([weight, number]) => `expert ${number} ${weight.toFixed(2)}`);
  return `: ${asked.join(", ") || "none asked"}`;
}
