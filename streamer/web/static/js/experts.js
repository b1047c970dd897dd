// How much each expert has to say about each stream, as bars.
import { element, setText } from "./dom.js";
import { STREAMS } from "./format.js";

/** What a full bar stands for: the least of these that holds every weight. */
const SCALES = [0.25, 0.5, 1];

export class Experts {
  #box;
  #scale;
  #count = 0;
  #rows = new Map();

  constructor(box, scale) {
    this.#box = box;
    this.#scale = scale;
  }

  show(participant) {
    const routing = participant?.newest?.routing ?? {};
    const count = Math.max(0, ...Object.values(routing).map((weights) => weights.length));
    if (count && count !== this.#count) this.#build(count);
    const largest = Math.max(0, ...Object.values(routing).flat());
    const full = SCALES.find((scale) => largest <= scale) ?? 1;
    setText(this.#scale, full.toFixed(2));
    for (const [stream, { bars, text }] of this.#rows) {
      const weights = routing[stream] ?? [];
      bars.forEach((bar, place) => {
        bar.style.setProperty("--share", `${(100 * (weights[place] ?? 0)) / full}%`);
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
