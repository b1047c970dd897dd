// What is known of every participant, bounded in time and number.

/** Seconds of the session that are kept. */
export const KEPT = 600;
const MOST_PARTICIPANTS = 32;
const MOST_WORDS = 3000;
const LATENCIES = 240;
const CLEANING_STEP = 30;
const UPTIME_SLACK = 2;

export class Store {
  /** By name, in the order in which they were first heard. */
  participants = new Map();

  /** Take in a message that has arrived at `now` (ms). */
  add(message, now) {
    const known = this.participants.get(message.participant);
    let participant = known;
    if (!known || known.session !== message.session || known.isBefore(message)) {
      participant = new Participant(message);
      this.participants.set(message.participant, participant);
      if (this.participants.size > MOST_PARTICIPANTS) this.#forgetOne();
    }
    participant.add(message, now);
  }

  #forgetOne() {
    const byAge = [...this.participants.values()].sort((a, b) => a.heardAt - b.heardAt);
    this.participants.delete(byAge[0].name);
  }
}

class Participant {
  constructor(message) {
    this.name = message.participant;
    this.session = message.session;
    /** The newest revision of every window by its end in seconds, in order of time. */
    this.windows = new Map();
    this.newest = null;
    this.health = null;
    /** Words by their start in seconds; late ones stand where they belong. */
    this.words = [];
    this.wordsVersion = 0;
    /** Goes up with every change. */
    this.version = 0;
    this.latencies = [];
    this.lost = 0;
    this.heardAt = 0;
    this.seqs = new Map();
  }

  /** Whether a session of the same name has begun anew; a new analysis within one goes on. */
  isBefore(message) {
    return message.uptime_s < this.health?.uptime_s - UPTIME_SLACK;
  }

  add(message, now) {
    this.heardAt = now;
    this.version += 1;
    const kind = message.schema.slice("qamoe.".length).split("/")[0];
    if (!this.#isNew(kind, message)) return;
    if (kind === "health") this.health = message;
    else if (kind === "sentiment") this.#addWindow(message);
    else if (kind === "transcript") this.#addWords(message.words, now);
  }

  /** Repeats are known by their seq, losses by its gaps. */
  #isNew(kind, message) {
    const last = this.seqs.get(kind);
    this.seqs.set(kind, { seq: message.seq, at: message.published_at });
    if (!last) return true;
    if (last.seq === message.seq && last.at === message.published_at) return false;
    this.lost += Math.max(0, message.seq - last.seq - 1);
    return true;
  }

  #addWindow(message) {
    const end = message.window.end;
    const known = this.windows.get(end);
    if (known && known.revision > message.revision) return;
    this.windows.set(end, message);
    if (!this.newest || end >= this.newest.window.end) this.newest = message;
    if (message.revision === 0 && message.latency_ms !== null) {
      this.latencies.push(message.latency_ms);
      if (this.latencies.length > LATENCIES) this.latencies.shift();
    }
    const oldest = this.windows.keys().next().value;
    if (oldest < this.newest.window.end - KEPT - CLEANING_STEP) this.#forgetOld();
  }

  #forgetOld() {
    const limit = this.newest.window.end - KEPT;
    for (const end of this.windows.keys()) if (end < limit) this.windows.delete(end);
    this.words = this.words.filter((word) => word.end >= limit);
    this.wordsVersion += 1;
  }

  #addWords(words, now) {
    for (const word of words) {
      let place = this.words.length;
      while (place > 0 && this.words[place - 1].start > word.start) place -= 1;
      const replaces = place > 0 && this.words[place - 1].start === word.start ? 1 : 0;
      this.words.splice(place - replaces, replaces, { ...word, arrivedAt: now });
    }
    if (this.words.length > MOST_WORDS) this.words.splice(0, this.words.length - MOST_WORDS);
    this.wordsVersion += 1;
  }
}
