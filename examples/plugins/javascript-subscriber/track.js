/** What a reader keeps of each topic and each participant. Every map is bounded. */

const MOST_TOPICS = 3000;
const MOST_WINDOWS = 64;

/** A map that forgets its oldest entry when it is full. */
class BoundedMap extends Map {
  constructor(most) {
    super();
    this.most = most;
  }

  set(key, value) {
    this.delete(key);
    if (this.size >= this.most) this.delete(this.keys().next().value);
    return super.set(key, value);
  }
}

/** Follows `seq` of every topic: tells repeats, losses and restarts apart. */
export class Sequences {
  #last = new BoundedMap(MOST_TOPICS);

  /**
   * Null for the repeat that a late joiner calls forth on a topic; else how many messages were
   * lost before this one, and whether `seq` began anew: its publisher was started again.
   */
  follow(topic, { seq, published_at: publishedAt }) {
    const last = this.#last.get(topic);
    if (last?.seq === seq && last.publishedAt === publishedAt) return null;
    this.#last.set(topic, { seq, publishedAt });
    if (last === undefined) return { lost: 0, restarted: false };
    return { lost: Math.max(0, seq - last.seq - 1), restarted: seq <= last.seq };
  }
}

/** Remembers the last windows of one participant, to tell what a revision replaces. */
export class Windows {
  #newest = new BoundedMap(MOST_WINDOWS);

  /** The message that `message` replaces: an earlier revision of the same window, or null. */
  replace(message) {
    const key = `${message.session_epoch ?? 0} ${message.window.end}`;
    const earlier = this.#newest.get(key);
    this.#newest.set(key, message);
    return message.revision > (earlier?.revision ?? Infinity) ? earlier : null;
  }
}

/** Who is heard, since when not any more, and who has said bye. */
export class Participants {
  #known = new BoundedMap(MOST_TOPICS / 3);

  /** Note a message heard at time `now`, in ms. */
  hear({ session, participant, state }, now) {
    const name = `${session}/${participant}`;
    const known = this.#known.get(name) ?? { session, participant, windows: new Windows() };
    this.#known.set(name, { ...known, heardAt: now, stale: false, left: state === "bye" });
    return known.windows;
  }

  /** Those who have been silent for `limit` ms without a bye, each told once. */
  fallenSilent(now, limit) {
    const silent = [];
    for (const [, known] of this.#known) {
      if (known.left || known.stale || now - known.heardAt < limit) continue;
      known.stale = true;
      silent.push(known);
    }
    return silent;
  }

  /** Whether everyone heard so far has said bye. */
  get allLeft() {
    return this.#known.size > 0 && [...this.#known.values()].every(({ left }) => left);
  }
}
