#!/usr/bin/env node
/** Prints a feed, one line a message, for people or (--json) for programs. */

import { parseArgs } from "node:util";

import { Feed } from "./feed.js";

const HELP = `Usage: node cli.js [ADDRESS] [options]

Prints the feed of qamoe-stream at ADDRESS (tcp://127.0.0.1:5556), one line a message.

  --keys FOLDER        of keys, where the feed is locked
  --kind KIND          sentiment, transcript or health; may be given again (all)
  --session NAME       only this session
  --participant NAME   only this participant
  --stale SECONDS      of silence until somebody counts as stale (3)
  --timeout SECONDS    of silence until the end (10)
  --json               events as JSON instead of text
  --help               this text

Ends with 0 after the bye of everyone heard or on Ctrl-C, 2 for a wrong option, 3 when nothing,
or nothing more, is heard.`;

class UsageError extends Error {}

function readOptions() {
  const text = { type: "string" };
  let parsed;
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: {
        keys: text,
        kind: { type: "string", multiple: true },
        session: text,
        participant: text,
        stale: { type: "string", default: "3" },
        timeout: { type: "string", default: "10" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error.message);
  }
  const { values, positionals } = parsed;
  if (positionals.length > 1) throw new UsageError(`one address, not ${positionals.join(" ")}`);
  return { ...values, address: positionals[0] ?? "tcp://127.0.0.1:5556" };
}

function milliseconds(name, given) {
  const seconds = Number(given);
  if (!(seconds > 0 && seconds <= 86_400)) {
    throw new UsageError(`--${name} = ${given}: must be over 0 and at most 86400 seconds`);
  }
  return 1000 * seconds;
}

/** An event for people. */
function line(event) {
  const who = event.participant ?? event.message.participant;
  if (event.kind === "stale") return `${who}  silent for ${seconds(event.silentMs)}, not current`;
  const notes = [];
  if (event.restarted) notes.push("publisher started again");
  if (event.lost) notes.push(`${event.lost} lost`);
  if (event.replaces) notes.push(`revises ${estimate(event.replaces)}`);
  const note = notes.length ? `  (${notes.join(", ")})` : "";
  return oneLine(`${who}  ${DESCRIBE[event.kind](event.message)}${note}`);
}

/** Text from a feed or a shell without line breaks and what a terminal would obey. */
const oneLine = (text) => text.replace(/\p{Cc}+/gu, " ");

const DESCRIBE = {
  sentiment: (message) =>
    `${message.window.end.toFixed(1)} s  ${estimate(message)}  ${reliability(message)}`,
  transcript: ({ words }) => words.map(({ text }) => text.trim()).join(" "),
  health: ({ state, reason, streams }) =>
    `${state}${reason ? ` (${reason})` : ""}  ` +
    Object.entries(streams).map(([name, stream]) => `${name} ${stream?.state}`).join("  "),
};

function estimate({ sentiment, reason }) {
  if (sentiment === null) return `no estimate: ${reason}`;
  const sign = sentiment.value < 0 ? "" : "+";
  return `${sign}${sentiment.value.toFixed(2)} ± ${sentiment.uncertainty.toFixed(2)}`;
}

function reliability(message) {
  return Object.entries(message.reliability)
    .map(([stream, { value, reason }]) => {
      const why = value < 0.5 && reason ? ` (${reason})` : "";
      return `${stream} ${value.toFixed(2)}${why}`;
    })
    .join("  ");
}

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

async function main() {
  const { address, json, help, ...options } = readOptions();
  if (help) {
    console.log(HELP);
    return 0;
  }
  const feed = new Feed(address, {
    keys: options.keys,
    kinds: options.kind,
    session: options.session,
    participant: options.participant,
    staleAfter: milliseconds("stale", options.stale),
    idle: milliseconds("timeout", options.timeout),
  });
  let interrupted = false;
  const stop = () => {
    interrupted = true;
    feed.close();
  };
  process.once("SIGINT", stop).once("SIGTERM", stop);
  process.stdout.on("error", stop); // the reader of the pipe has gone
  let heard = "nothing";
  for await (const event of feed) {
    heard = "nothing more";
    console.log(json ? JSON.stringify(event) : line(event));
  }
  feed.close();
  if (feed.malformed) console.error(`${feed.malformed} malformed messages skipped`);
  if (interrupted || feed.ended) return 0;
  console.error(`${heard} heard on ${address} within ${options.timeout} s: is a session running?`);
  return 3;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError || error instanceof RangeError)) throw error;
  console.error(oneLine(`qamoe-feed: ${error.message}`));
  process.exitCode = 2;
}
