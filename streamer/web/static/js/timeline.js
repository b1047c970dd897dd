// Sentiment and the reliability of every stream on one axis of time, and what was at a moment.
import uPlot from "../vendor/uplot/uPlot.esm.js";
import { colour } from "./colours.js";
import { element, setText } from "./dom.js";
import { RELIABLE, STREAMS, signed } from "./format.js";
import { Moment } from "./moment.js";
import { Track } from "./track.js";

/** A window stands for the time until the next; where none comes for this long there is a gap. */
const LONGEST_HOP = 1.6;
const FIRST_HOP = 0.5;

export class Timeline {
  /** Seconds that are shown. */
  span = 60;

  #shown = [];
  #drawn = "";
  #moment;
  #sentiment;
  #streams = new Map();

  constructor(box) {
    const name = element("div", { class: "track-name" }, element("b", {}, "sentiment"));
    this.#sentiment = this.#track(box, name, {
      height: 190,
      y: { range: [-1.05, 1.05], splits: [-1, -0.5, 0, 0.5, 1], values: (_, at) => at.map(short) },
      series: [line("accent", 2), line("band", 0), line("band", 0)],
      bands: [{ series: [2, 3], fill: () => colour("band") }],
      hatched: () => this.#spans((message) => (message.sentiment ? null : (message.reason ?? ""))),
    });
    for (const stream of STREAMS) this.#streams.set(stream, this.#streamTrack(box, stream));
    this.#moment = new Moment(box);
  }

  show(participant) {
    const key = participant ? `${participant.name} ${participant.version} ${this.span}` : "";
    if (key === this.#drawn) return;
    this.#drawn = key;
    const windows = [...(participant?.windows.values() ?? [])].sort((a, b) => a.window.end - b.window.end);
    const newest = windows.at(-1)?.window.end ?? 0;
    const first = windows.at(0)?.window.end ?? 0;
    // A course that is shorter than what is shown grows from the left.
    const start = Math.max(newest - this.span, first - FIRST_HOP);
    const end = start + this.span;
    this.#shown = windows.filter((message) => message.window.end >= start - LONGEST_HOP);
    const points = withGaps(this.#shown);
    const ends = points.map((point) => point.at);
    const of = (read) => points.map(({ message }) => (message ? read(message) : null));
    this.#sentiment.show(
      [
        ends,
        of(({ sentiment }) => sentiment && sentiment.value),
        of(({ sentiment }) => sentiment && Math.min(1, sentiment.value + sentiment.uncertainty)),
        of(({ sentiment }) => sentiment && Math.max(-1, sentiment.value - sentiment.uncertainty)),
      ],
      start,
      end,
    );
    for (const [stream, { track, level, why }] of this.#streams) {
      track.show([ends, of(({ reliability }) => reliability[stream]?.value ?? null)], start, end);
      const now = participant?.newest?.reliability[stream];
      const state = participant?.health?.streams[stream]?.state;
      setText(level, now ? now.value.toFixed(2) : "–");
      setText(why, remark(now, state));
    }
    this.#moment.show(this.#shown, start, end);
  }

  redraw() {
    this.#sentiment.redraw();
    for (const { track } of this.#streams.values()) track.redraw();
  }

  #streamTrack(box, stream) {
    const level = element("span", { class: "level" });
    const why = element("span", { class: "why" });
    const title = element("b", { "data-stream": stream }, stream, " ", level);
    const track = this.#track(box, element("div", { class: "track-name" }, title, why), {
      height: 58,
      y: { range: [0, 1.08], splits: [0, 0.5, 1], values: (_, at) => at.map((v) => (v === 0.5 ? "" : v)) },
      series: [{ ...line(stream, 1.75), fill: () => faded(colour(stream)), paths: steps() }],
      axis: stream === STREAMS.at(-1),
      hatched: () => this.#spans(({ reliability }) => weakness(reliability[stream])),
    });
    return { track, level, why };
  }

  #track(box, name, options) {
    const plot = element("div", { class: "plot", "aria-hidden": "true" });
    box.append(element("div", { class: "track" }, name, plot));
    return new Track(plot, options);
  }

  /** The stretches of those windows for which `reason` gives one, as `[from, to, main reason]`. */
  #spans(reason) {
    const spans = [];
    const reasons = [];
    let before = null;
    for (const message of this.#shown) {
      const end = message.window.end;
      const joined = before !== null && end - before < LONGEST_HOP;
      const why = reason(message);
      if (why !== null) {
        const start = joined ? before : end - FIRST_HOP;
        const last = spans.at(-1);
        if (last && last[1] === start) {
          last[1] = end;
          reasons.at(-1).push(why);
        } else {
          spans.push([start, end]);
          reasons.push([why]);
        }
      }
      before = end;
    }
    return spans.map((span, place) => [...span, mostFrequent(reasons[place])]);
  }
}

function mostFrequent(items) {
  const counts = new Map();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return [...counts].reduce((most, entry) => (entry[1] > most[1] ? entry : most))[0];
}

/** The windows as points in time, with an empty one wherever windows are missing. */
function withGaps(messages) {
  const points = [];
  for (const message of messages) {
    const at = message.window.end;
    const before = points.at(-1)?.at;
    if (before !== undefined && at - before > LONGEST_HOP) points.push({ at: before + 0.01 });
    points.push({ at, message });
  }
  return points;
}

/** Why a stream is hardly reliable, or null where it is reliable. */
function weakness(reliability) {
  if (!reliability) return "off";
  return reliability.value > RELIABLE ? null : (reliability.reason ?? "");
}

function remark(reliability, state) {
  if (!reliability) return state && state !== "live" ? state : "off";
  const remarks = state && state !== "live" ? [state] : [];
  if (reliability.reason && reliability.value <= RELIABLE) remarks.push(reliability.reason);
  return remarks.join(": ") || "reliable";
}

const line = (name, width) => ({ stroke: () => colour(name), width, points: { show: false } });
const steps = () => uPlot.paths.stepped({ align: -1 });
const short = (value) => (value === 0 ? "0" : Number.isInteger(value) ? signed(value).slice(0, 2) : "");
const faded = (rgb) => rgb.replace("rgb(", "rgba(").replace(")", ", 0.3)");
