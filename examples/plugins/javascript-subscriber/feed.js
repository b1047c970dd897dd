/**
 * The receiving end of qamoe-stream's feed.
 *
 *     const feed = new Feed("tcp://127.0.0.1:5556", { participant: "me" });
 *     for await (const event of feed) {
 *       if (event.kind === "sentiment") console.log(event.message.sentiment?.value ?? "no estimate");
 *     }
 */

import { Context, Subscriber } from "zeromq";

import { clientKeys } from "./keys.js";
import { KINDS, MalformedError, parseMessage } from "./message.js";
import { Participants, Sequences } from "./track.js";

const LARGEST_MESSAGE = 1 << 20; // bytes; whoever sends more is cut off
const TICK = 250; // ms between two looks for who has fallen silent
const NAME = /^[A-Za-z0-9._-]{1,64}$/;

/**
 * Iterating gives events:
 *
 * - `{kind: "sentiment" | "transcript" | "health", message, lost, restarted}`: a message; `lost`
 *   counts the messages of its topic that went missing just before it, `restarted` tells that its
 *   publisher was started again. Sentiment has `replaces`, too: the earlier revision of the same
 *   window, or null.
 * - `{kind: "stale", session, participant, silentMs}`: somebody has been silent for `staleAfter` ms
 *   without a bye. What was last heard about them must no longer be shown as current.
 *
 * It ends after the bye of everyone heard (`ended`), when nothing at all has come for `idle` ms, or
 * after `close()`. The repeats that other late joiners call forth are left out. Bytes that are no
 * message are counted in `malformed`. A publisher that starts again is found again.
 *
 * A feed that is locked is heard with `keys`, a folder of them.
 *
 * Throws RangeError for an unknown kind, an impossible name, a malformed address or bad keys.
 */
export class Feed {
  malformed = 0;
  #socket;
  #kinds;
  #participant;
  #staleAfter;
  #idle;
  #sequences = new Sequences();
  #participants = new Participants();

  constructor(
    address,
    {
      kinds = KINDS, session, participant, keys, queue = 1000, staleAfter = 3000, idle = 10_000,
    } = {},
  ) {
    check(kinds, { session, participant });
    this.#kinds = kinds;
    this.#participant = participant;
    this.#staleAfter = staleAfter;
    this.#idle = idle;
    this.#socket = new Subscriber({
      context: new Context({ blocky: false }), // a reader has nothing to wait for at the end
      receiveHighWaterMark: queue,
      maxMessageSize: LARGEST_MESSAGE,
      receiveTimeout: TICK,
      linger: 0,
      ipv6: address.includes("["),
      ...(keys === undefined ? {} : clientKeys(keys)),
    });
    for (const kind of new Set([...kinds, "health"])) {
      this.#socket.subscribe(prefix(kind, session, participant));
    }
    try {
      this.#socket.connect(address);
    } catch (error) {
      this.close();
      throw new RangeError(
        `feed address ${address}: ${error.message}; must look like tcp://127.0.0.1:5556 ` +
          "or ipc:///path/of/socket",
      );
    }
  }

  /** Whether everyone heard so far has said bye. */
  get ended() {
    return this.#participants.allLeft;
  }

  close() {
    this.#socket.close();
  }

  async *[Symbol.asyncIterator]() {
    let heardAt = performance.now();
    while (performance.now() - heardAt < this.#idle) {
      const frames = await this.#receive();
      if (frames === CLOSED) return;
      const event = frames && this.#accept(frames);
      if (event) heardAt = performance.now();
      if (event && this.#kinds.includes(event.kind)) yield event;
      if (this.ended) return;
      yield* this.#silences();
    }
  }

  /** The next frames, null where none come within a tick, or CLOSED. */
  async #receive() {
    if (this.#socket.closed) return CLOSED;
    try {
      return await this.#socket.receive();
    } catch (error) {
      if (error.code === "EAGAIN") return null;
      if (this.#socket.closed) return CLOSED;
      throw error;
    }
  }

  #accept(frames) {
    let parsed;
    try {
      parsed = parseMessage(frames);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.malformed += 1;
      return null;
    }
    const { kind, message } = parsed;
    if (this.#participant !== undefined && message.participant !== this.#participant) return null;
    const followed = this.#sequences.follow(frames[0].toString(), message);
    if (followed === null) return null;
    const windows = this.#participants.hear(message, performance.now());
    const event = { kind, message, ...followed };
    return kind === "sentiment" ? { ...event, replaces: windows.replace(message) } : event;
  }

  *#silences() {
    const now = performance.now();
    for (const known of this.#participants.fallenSilent(now, this.#staleAfter)) {
      const { session, participant, heardAt } = known;
      yield { kind: "stale", session, participant, silentMs: now - heardAt };
    }
  }
}

const CLOSED = Symbol("closed");

/** What to subscribe to. It ends with the separator, so "ann" never catches "anna". */
function prefix(kind, session, participant) {
  const levels = [kind, session, session && participant].filter(Boolean);
  return levels.map((level) => `${level}/`).join("");
}

function check(kinds, names) {
  const unknown = kinds.filter((kind) => !KINDS.includes(kind));
  if (unknown.length || !kinds.length) {
    throw new RangeError(
      `feed kinds = ${unknown.join(", ") || "(none)"}: allowed are ${KINDS.join(", ")}`,
    );
  }
  for (const [what, name] of Object.entries(names)) {
    if (name !== undefined && !NAME.test(name)) {
      throw new RangeError(
        `${what} = '${name}': allowed are 1 to 64 of letters, digits, '.', '_' and '-'`,
      );
    }
  }
}
