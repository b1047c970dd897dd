// The words, each where it belongs in time, also when it comes late.
import { element } from "./dom.js";
import { clock } from "./format.js";

/** A pause of this many seconds begins a new line. */
const PAUSE = 1.2;
const LONGEST_LINE = 24;
const UNSURE = 0.5;
const FRESH_MS = 2500;

export class Transcript {
  #box;
  #shown = "";

  constructor(box) {
    this.#box = box;
  }

  show(participant) {
    const key = participant ? `${participant.name} ${participant.session} ${participant.wordsVersion}` : "";
    if (key === this.#shown && this.#box.hasChildNodes()) return;
    this.#shown = key;
    const atEnd = this.#box.scrollHeight - this.#box.scrollTop - this.#box.clientHeight < 40;
    const words = participant?.words ?? [];
    this.#box.replaceChildren(...(words.length ? lines(words).map(line) : [placeholder()]));
    if (atEnd) this.#box.scrollTop = this.#box.scrollHeight;
  }
}

function placeholder() {
  return element("p", { class: "quiet" }, "No words on the feed. The option --transcripts publishes them.");
}

function lines(words) {
  const found = [];
  for (const word of words) {
    const last = found.at(-1);
    const continues = last && word.start - last.at(-1).end < PAUSE && last.length < LONGEST_LINE;
    if (continues) last.push(word);
    else found.push([word]);
  }
  return found;
}

function line(words) {
  const text = element("span");
  const now = performance.now();
  for (const word of words) {
    const shown = element("span", {}, word.text.trim());
    shown.classList.toggle("fresh", now - word.arrivedAt < FRESH_MS);
    if (word.probability < UNSURE) {
      shown.classList.add("unsure");
      shown.title = `the transcriber's own probability is ${word.probability.toFixed(2)}`;
    }
    text.append(shown, " ");
  }
  return element("p", { class: "utterance" }, element("time", {}, clock(words[0].start)), text);
}
