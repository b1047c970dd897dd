// The newest estimate, large; "no estimate" is never shown as neutral.
import { setText } from "./dom.js";
import { clock, signed } from "./format.js";

const card = document.getElementById("now");
const parts = Object.fromEntries(
  ["number", "uncertainty", "label", "reason", "gauge"].map((id) => [id, document.getElementById(id)]),
);

export function showCurrent(participant, state) {
  const newest = participant?.newest;
  const live = state.name === "live";
  card.classList.toggle("past", !live);
  if (!newest) {
    show("none", "–", "", "", "waiting for the first window");
    return;
  }
  const asOf = live ? "" : `as of ${clock(newest.window.end)}`;
  if (!newest.sentiment) {
    const reason = newest.reason ?? "no reason given";
    show("none", "No estimate", "", "", asOf ? `${reason} (${asOf})` : reason);
    return;
  }
  const { value, uncertainty, label } = newest.sentiment;
  show(label, signed(value), `± ${uncertainty.toFixed(2)}`, label, asOf || revisionText(newest));
  const percent = (at) => `${50 + 50 * Math.max(-1, Math.min(1, at))}%`;
  parts.gauge.style.setProperty("--at", percent(value));
  parts.gauge.style.setProperty("--from", percent(value - uncertainty));
  parts.gauge.style.setProperty("--to", percent(value + uncertainty));
}

function show(sign, number, uncertainty, label, reason) {
  card.dataset.sign = sign;
  setText(parts.number, number);
  setText(parts.uncertainty, uncertainty);
  setText(parts.label, label);
  setText(parts.reason, reason);
}

function revisionText(message) {
  const { start, end } = message.window;
  const seconds = `from ${clock(start, 1)} to ${clock(end, 1)}`;
  return message.revision ? `${seconds}, revised as words came in` : seconds;
}
