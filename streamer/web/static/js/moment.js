// The moment in time one looks at: chosen with the pointer or the arrow keys, told in a tip and,
// as the value of a slider, to screen readers.
import { element } from "./dom.js";
import { STREAMS, clock, estimateText, reliabilityText } from "./format.js";
import { GUTTER, MARGIN } from "./track.js";

const NEAR = 1.6;
const PAGE = 10;

export class Moment {
  /** The windows that are shown, in order of time. */
  messages = [];

  #box;
  #slider = element("div", { class: "moment", role: "slider", tabindex: "0", "aria-label": "Moment looked at" });
  #line = element("i", { hidden: "" });
  #tip = element("div", { class: "tip", hidden: "", "aria-hidden": "true" });
  #start = 0;
  #end = 1;
  #at = null;
  /** Where the pointer rests, as a share of the width: time moves under it. */
  #pointer = null;

  constructor(box) {
    this.#box = box;
    this.#slider.append(this.#line);
    box.append(this.#slider, this.#tip);
    this.#slider.addEventListener("pointermove", (event) => this.#point(event));
    this.#slider.addEventListener("pointerdown", (event) => this.#point(event));
    this.#slider.addEventListener("pointerleave", () => this.#leave());
    this.#slider.addEventListener("keydown", (event) => this.#key(event));
    this.#slider.addEventListener("focus", () => {
      if (this.#at === null && this.#slider.matches(":focus-visible")) {
        this.#choose(this.messages.at(-1)?.window.end ?? null);
      }
    });
    this.#slider.addEventListener("blur", () => this.#leave());
  }

  show(messages, start, end) {
    this.messages = messages;
    [this.#start, this.#end] = [start, end];
    if (this.#pointer !== null) this.#at = start + this.#pointer * (end - start);
    this.#draw();
  }

  #point(event) {
    const { left, width } = this.#slider.getBoundingClientRect();
    const share = (event.clientX - left) / width;
    this.#choose(this.#start + share * (this.#end - this.#start), share);
  }

  #leave() {
    this.#choose(null);
  }

  #key(event) {
    const ends = this.messages.map((message) => message.window.end);
    const place = ends.indexOf(this.#nearest()?.window.end);
    if (event.key === "Escape") return this.#leave();
    const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -PAGE, PageUp: PAGE }[event.key];
    const target = { Home: 0, End: ends.length - 1 }[event.key] ?? (step === undefined ? undefined : place + step);
    if (target === undefined || !ends.length) return undefined;
    event.preventDefault();
    return this.#choose(ends[Math.max(0, Math.min(ends.length - 1, target))]);
  }

  #choose(at, pointer = null) {
    this.#at = at;
    this.#pointer = pointer;
    this.#draw();
  }

  #nearest() {
    if (this.#at === null) return this.messages.at(-1);
    let best = null;
    for (const message of this.messages) {
      const far = Math.abs(message.window.end - this.#at);
      if (far < NEAR && (!best || far <= Math.abs(best.window.end - this.#at))) best = message;
    }
    return best;
  }

  #draw() {
    const found = this.#nearest();
    const shown = this.#at !== null && found !== null && found !== undefined;
    this.#place();
    this.#line.hidden = this.#tip.hidden = !shown;
    this.#slider.setAttribute("aria-valuemin", this.#start.toFixed(1));
    this.#slider.setAttribute("aria-valuemax", this.#end.toFixed(1));
    this.#slider.setAttribute("aria-valuenow", (found?.window.end ?? this.#end).toFixed(1));
    this.#slider.setAttribute("aria-valuetext", found ? spoken(found) : "nothing yet");
    if (!shown) return;
    const share = (found.window.end - this.#start) / (this.#end - this.#start || 1);
    this.#line.style.setProperty("--at", `${100 * share}%`);
    this.#tip.replaceChildren(...lines(found));
    const x = this.#slider.offsetLeft + share * this.#slider.offsetWidth;
    const left = share > 0.5 ? x - this.#tip.offsetWidth - 12 : x + 12;
    this.#tip.style.left = `${Math.max(0, left)}px`;
  }

  /** Over the plots, wherever the layout has put them. */
  #place() {
    const plot = this.#box.querySelector(".plot");
    this.#slider.style.left = `${plot.offsetLeft + GUTTER}px`;
    this.#slider.style.width = `${Math.max(0, plot.offsetWidth - GUTTER - MARGIN)}px`;
  }
}

function spoken(message) {
  const streams = STREAMS.map((name) => `${name} ${reliabilityText(message.reliability[name])}`);
  return `${clock(message.window.end, 1)}: ${estimateText(message)}; reliability: ${streams.join("; ")}`;
}

function lines(message) {
  const title = element("b", {}, `${clock(message.window.end, 1)} `);
  const streams = STREAMS.map((name) =>
    element("p", {}, element("span", {}, name), element("span", {}, reliabilityText(message.reliability[name]))),
  );
  return [title, element("p", {}, element("span", {}, estimateText(message))), ...streams];
}
