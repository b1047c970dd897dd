/** From the two frames `[topic, payload]` of the feed to a checked message. */

import { decode } from "@msgpack/msgpack";

export const KINDS = ["sentiment", "transcript", "health"];

export class MalformedError extends Error {}

/**
 * The message in `frames`, whichever encoding it comes in. Fields this reader does not know are
 * left as they are. Throws MalformedError for what is no message of the feed, or one of a newer
 * schema: reading it by the old rules would misread it.
 */
export function parseMessage(frames) {
  if (frames.length !== 2) throw new MalformedError(`${frames.length} frames instead of two`);
  const [topic, payload] = frames;
  const [kind, session, participant] = topic.toString().split("/");
  if (!KINDS.includes(kind)) throw new MalformedError(`topic of unknown kind ${kind}`);
  const message = parsePayload(payload);
  const expected = { schema: `qamoe.${kind}/1`, session, participant };
  for (const [field, value] of Object.entries(expected)) {
    if (message?.[field] !== value) {
      throw new MalformedError(`${field} is ${message?.[field]}, not ${value}`);
    }
  }
  for (const [field, isRight] of Object.entries(FIELDS[kind])) {
    if (!isRight(message[field])) throw new MalformedError(`${kind}.${field} is wrong or missing`);
  }
  return { kind, message };
}

function parsePayload(payload) {
  const isJson = payload[0] === 0x7b; // no MessagePack map begins with "{"
  try {
    return isJson ? JSON.parse(payload.toString()) : decode(payload);
  } catch (error) {
    throw new MalformedError(error.message);
  }
}

const isNumber = Number.isFinite;
const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
const isObject = (value) => typeof value === "object" && value !== null;
const isSpan = (value) => isNumber(value?.start) && isNumber(value?.end);
const isSentiment = (value) =>
  value === null || (isNumber(value?.value) && isNumber(value?.uncertainty));
const isReliability = (value) =>
  isObject(value) && Object.values(value).every((stream) => isNumber(stream?.value));
const areWords = (value) =>
  Array.isArray(value) && value.every((word) => typeof word?.text === "string");

const ENVELOPE = { seq: isCount, published_at: isNumber };
const FIELDS = {
  sentiment: {
    ...ENVELOPE,
    window: isSpan,
    revision: isCount,
    sentiment: isSentiment,
    reliability: isReliability,
  },
  transcript: { ...ENVELOPE, window: isSpan, words: areWords },
  health: { ...ENVELOPE, state: (value) => typeof value === "string", streams: isObject },
};
