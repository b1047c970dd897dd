// Tells screen readers the current state: politely, and seldom enough to be listened to.
import { estimateText } from "./format.js";

const ESTIMATE_EVERY_MS = 15_000;
const STATE_EVERY_MS = 3000;

export class Announcer {
  #region;
  #state = "";
  #toldAt = -Infinity;

  constructor(region) {
    this.#region = region;
  }

  tell(participant, state, now) {
    const key = `${participant?.name} ${state.name}`;
    const wait = key === this.#state ? ESTIMATE_EVERY_MS : STATE_EVERY_MS;
    if (now - this.#toldAt < wait) return;
    const live = state.name === "live" && participant?.newest;
    if (key === this.#state && !live) return;
    this.#state = key;
    this.#toldAt = now;
    const who = participant ? `${participant.name}: ` : "";
    this.#region.textContent = who + (live ? estimateText(participant.newest) : state.text);
  }
}
