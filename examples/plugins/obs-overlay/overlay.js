/** Draws one participant's current estimate, or nothing where there is none that is current. */

import { connect } from "./connection.js";
import { Current } from "./current.js";

const STREAMS = { text: "words", audio: "voice", vision: "face" };
const LOW = 0.5;
const TICK = 250; // ms between two looks whether the estimate has become stale

const part = (id) => document.getElementById(id);

function start() {
  const given = new URLSearchParams(location.search);
  const participant = given.get("participant");
  const stale = Number(given.get("stale") ?? 3);
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(participant ?? "")) {
    return notice("Add ?participant=NAME to this address: letters, digits, '.', '_' and '-'.");
  }
  if (!(stale >= 0.5 && stale <= 3600)) {
    return notice(`stale=${given.get("stale")}: must be 0.5 to 3600 seconds.`);
  }
  const current = new Current(1000 * stale);
  const refresh = () => show(current.at(performance.now()));
  connect(
    feedAddress(given.get("token") ?? "", participant),
    () => current.connected(),
    (message) => {
      current.take(message, performance.now());
      refresh();
    },
  );
  return setInterval(refresh, TICK);
}

function feedAddress(token, participant) {
  const url = new URL("/feed", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.search = new URLSearchParams({ token, participant, kinds: "sentiment,health" });
  return url;
}

/** For whoever sets the overlay up; never shown once an address is right. */
function notice(text) {
  part("notice").textContent = text;
  part("notice").hidden = false;
}

let shown = null;

function show(message) {
  if (message === shown) return;
  shown = message;
  part("card").hidden = message === null;
  if (message === null) return;
  part("participant").textContent = message.participant;
  showEstimate(message.sentiment, message.reason);
  part("streams").replaceChildren(
    ...Object.keys(STREAMS)
      .filter((stream) => message.reliability[stream])
      .map((stream) => streamRow(STREAMS[stream], message.reliability[stream])),
  );
}

function showEstimate(sentiment, reason) {
  const card = part("card");
  card.classList.toggle("abstaining", sentiment === null);
  card.classList.toggle("estimating", sentiment !== null);
  card.classList.toggle("negative", sentiment !== null && sentiment.value < 0);
  part("value").textContent = sentiment ? signed(sentiment.value) : "no estimate";
  part("deviation").textContent = sentiment ? `± ${sentiment.uncertainty.toFixed(2)}` : "";
  part("reason").textContent = reason ?? "";
  part("scale").ariaLabel = sentiment
    ? `${signed(sentiment.value)}, give or take ${sentiment.uncertainty.toFixed(2)}`
    : `no estimate: ${reason}`;
  if (sentiment === null) return;
  const { value, uncertainty } = sentiment;
  const places = { low: value - uncertainty, at: value, high: value + uncertainty };
  for (const [name, place] of Object.entries(places)) {
    part("scale").style.setProperty(`--${name}`, `${percentOfScale(place)}%`);
  }
}

function streamRow(name, { value, reason }) {
  const row = part("stream").content.cloneNode(true).firstElementChild;
  const isLow = value < LOW;
  row.classList.toggle("low", isLow);
  row.querySelector(".name").textContent = name;
  row.querySelector(".level").style.setProperty("--share", `${100 * value}%`);
  row.querySelector(".share").textContent = `${Math.round(100 * value)} %`;
  row.querySelector(".why").textContent = isLow && reason ? reason : "";
  return row;
}

const percentOfScale = (value) => 50 * (1 + Math.max(-1, Math.min(1, value)));
const signed = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(2);

start();
