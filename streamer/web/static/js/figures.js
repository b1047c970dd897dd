// Latency, drops and other figures of the session.
import { setText } from "./dom.js";
import { clock, percentile } from "./format.js";

const field = (id) => document.getElementById(id);

export function showFigures(participant) {
  const health = participant?.health;
  const latencies = participant?.latencies ?? [];
  setText(
    field("latency"),
    latencies.length
      ? `${percentile(latencies, 0.5).toFixed(0)} ms, p95 ${percentile(latencies, 0.95).toFixed(0)} ms`
      : "–",
  );
  const lag = participant?.newest?.words_age_ms;
  setText(field("lag"), lag === null || lag === undefined ? "–" : `${(lag / 1000).toFixed(1)} s`);
  setText(field("windows"), health ? `${health.windows}, ${health.late_windows} late` : "–");
  setText(field("uptime"), health ? clock(health.uptime_s) : "–");
  setText(field("dropped"), health ? droppedText(health) : "–");
  setText(field("lost"), participant ? `${participant.lost} messages` : "–");
  setText(field("session"), participant ? streamsText(participant) : "");
}

function droppedText(health) {
  const places = Object.entries(health.streams).map(([name, stream]) => [name, stream.dropped]);
  const lost = [...places, ["feed", health.publisher_dropped]].filter(([, count]) => count);
  return lost.length ? lost.map(([name, count]) => `${name} ${count}`).join(", ") : "nothing";
}

function streamsText(participant) {
  const streams = Object.entries(participant.health?.streams ?? {});
  const states = streams.map(([name, { state, rate }]) =>
    state === "live" ? `${name} ${rate.toFixed(1)}/s` : `${name} ${state}`,
  );
  return [`session ${participant.session}`, ...states].join(" · ");
}
