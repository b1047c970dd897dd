/** What may be shown as current, of the messages about one participant. */

const MOST_SESSIONS = 100;

export class Current {
  #staleAfter;
  #sessions = new Set();
  #newest = null;
  #heardAt = -Infinity;

  /** `staleAfter`: ms after which the last estimate is no longer current. */
  constructor(staleAfter) {
    this.#staleAfter = staleAfter;
  }

  /** A connection begins. It repeats each session's last message, which may be hours old. */
  connected() {
    this.#sessions.clear();
  }

  /** Take in a message that came at time `now`, in ms. */
  take(message, now) {
    const isOfNewest = message.session === this.#newest?.session;
    if (message.schema === "qamoe.sentiment/1") this.#estimate(message, now);
    else if (message.schema !== "qamoe.health/1" || !isOfNewest) return;
    else if (message.state !== "running") this.#newest = null; // paused, or bye
  }

  /** The message to show at time `now`, or null for nothing. */
  at(now) {
    return now - this.#heardAt < this.#staleAfter ? this.#newest : null;
  }

  #estimate(message, now) {
    if (!this.#sessions.has(message.session)) {
      if (this.#sessions.size >= MOST_SESSIONS) this.#sessions.clear();
      this.#sessions.add(message.session); // may be the repeat; the next comes in half a second
      return;
    }
    if (this.#newest && isOlder(message, this.#newest)) return;
    this.#newest = message;
    this.#heardAt = now;
  }
}

/** Whether `message` is a late revision of a window before the one of `newest`. */
function isOlder(message, newest) {
  return (
    message.session === newest.session &&
    message.session_epoch === newest.session_epoch &&
    message.seq > newest.seq && // else the session was started again, and its times with it
    message.window.end < newest.window.end
  );
}
