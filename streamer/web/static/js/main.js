// From the feed to the screen: messages into the store, the chosen participant's state into views.
import { Announcer } from "./announcer.js";
import { forgetColours } from "./colours.js";
import { connect } from "./connection.js";
import { showCurrent } from "./current.js";
import { Experts } from "./experts.js";
import { showFigures } from "./figures.js";
import { stateOf } from "./state.js";
import { Store } from "./store.js";
import { Tabs } from "./tabs.js";
import { startTheme } from "./theme.js";
import { Timeline } from "./timeline.js";
import { Transcript } from "./transcript.js";

const REDRAW_MS = 250;

const store = new Store();
const tabs = new Tabs(document.getElementById("tabs"), document.getElementById("panel"), draw);
const timeline = new Timeline(document.getElementById("timeline"));
const transcript = new Transcript(document.getElementById("transcript"));
const experts = new Experts(document.getElementById("experts"), document.getElementById("full"));
const announcer = new Announcer(document.getElementById("announcer"));
const statePill = document.getElementById("state");

let link = { open: false, retryAt: null };

function draw() {
  const now = performance.now();
  const chosen = tabs.update(store.participants);
  const state = stateOf(link, chosen, now);
  statePill.dataset.state = state.name;
  if (statePill.textContent !== state.text) statePill.textContent = state.text;
  document.title = chosen ? `${chosen.name} · qamoe-stream` : "qamoe-stream";
  showCurrent(chosen, state);
  showFigures(chosen);
  timeline.show(chosen);
  transcript.show(chosen);
  experts.show(chosen);
  announcer.tell(chosen, state, now);
}

for (const choice of document.querySelectorAll("#span input")) {
  choice.addEventListener("change", () => {
    timeline.span = Number(choice.value);
    draw();
  });
}

startTheme(document.getElementById("theme"), () => {
  forgetColours();
  timeline.redraw();
});
connect({
  onMessage: (message) => store.add(message, performance.now()),
  onChange: (state) => {
    link = state;
    draw();
  },
});
setInterval(draw, REDRAW_MS);
