// What is going on: with the connection to the gateway, and with the session behind it.

import { clock } from "./format.js";

/** Health comes every second; without it for this long something is wrong. */
const SILENT_MS = 3500;

/** `{name, text}` for the connection and a participant, who may be missing. */
export function stateOf(link, participant, now) {
  // Said in order, it also holds when the gateway has gone with the session.
  if (participant?.health?.state === "bye") {
    const { reason } = participant.health;
    return { name: "ended", text: reason ? `ended: ${reason}` : "ended" };
  }
  if (!link.open) {
    if (link.retryAt === null) return { name: "waiting", text: "connecting" };
    const seconds = Math.max(0, Math.ceil((link.retryAt - now) / 1000));
    return { name: "lost", text: `connection lost, next try in ${seconds} s` };
  }
  if (!participant) return { name: "waiting", text: "waiting for a session" };
  const { health, heardAt } = participant;
  if (now - heardAt > SILENT_MS) {
    return { name: "silent", text: `silent for ${Math.floor((now - heardAt) / 1000)} s` };
  }
  if (health?.state === "paused") return { name: "paused", text: "paused" };
  const told = [health?.reason, retreatText(health?.retreat)].filter(Boolean);
  return { name: "live", text: ["live", ...told].join(": ") };
}

/** What is left out since the machine is too slow. */
function retreatText(retreat) {
  return retreat ? `too slow: ${retreat.name} since ${clock(retreat.since_s)}` : "";
}
