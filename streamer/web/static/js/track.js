// One track of the timeline: a uPlot chart whose axis of time is the same as its neighbours'.
import uPlot from "../vendor/uplot/uPlot.esm.js";
import { colour } from "./colours.js";
import { clock } from "./format.js";

/** Pixels beside the plot, the same in all tracks. */
export const GUTTER = 40;
export const MARGIN = 18;
const AXIS_HEIGHT = 26;
const FONT = "12px Inter, system-ui, sans-serif";

/**
 * `y` has `range` and `splits`; `series` and `bands` are uPlot's. `hatched()` gives the
 * stretches to be hatched, as `[from, to, reason]` in seconds.
 */
export class Track {
  #box;
  #chart;
  #height;

  constructor(box, { height, y, series, bands = [], axis = false, hatched }) {
    this.#box = box;
    this.#height = height + (axis ? AXIS_HEIGHT : 0);
    const grid = { stroke: () => colour("grid"), width: 1 };
    const common = { stroke: () => colour("quiet"), font: FONT, grid, ticks: { show: false } };
    this.#chart = new uPlot(
      {
        width: Math.max(100, box.clientWidth),
        height: this.#height,
        padding: [4, MARGIN, axis ? 0 : 4, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false, auto: false }, y: { range: y.range } },
        axes: [
          {
            ...common,
            size: axis ? AXIS_HEIGHT : 0,
            space: 70,
            incrs: [5, 10, 15, 30, 60, 120, 300],
            values: (_, splits) => splits.map((at) => (axis && at >= 0 ? clock(at) : "")),
          },
          { ...common, size: GUTTER, gap: 6, splits: () => y.splits, values: y.values },
        ],
        series: [{}, ...series],
        bands,
        hooks: {
          drawClear: [(chart) => hatched().forEach((span) => hatch(chart, span))],
          draw: [(chart) => hatched().forEach((span) => label(chart, span))],
        },
      },
      [[], ...series.map(() => [])],
      box,
    );
    new ResizeObserver(() => this.#fit()).observe(box);
  }

  show(data, start, end) {
    this.#chart.batch(() => {
      this.#chart.setData(data, false);
      this.#chart.setScale("x", { min: start, max: end });
    });
  }

  redraw() {
    this.#chart.redraw(false, true);
  }

  #fit() {
    const width = this.#box.clientWidth;
    if (width > 0 && width !== this.#chart.width) this.#chart.setSize({ width, height: this.#height });
  }
}

/** Pixels on the canvas between which a stretch of time is seen. */
function seen(chart, [from, to]) {
  const { left, width } = chart.bbox;
  const start = Math.max(left, chart.valToPos(from, "x", true));
  const end = Math.min(left + width, chart.valToPos(to, "x", true));
  return [start, end];
}

/** Hatches a stretch over the whole height: a texture, not a colour. */
function hatch(chart, span) {
  const { top, height } = chart.bbox;
  const [start, end] = seen(chart, span);
  if (end <= start) return;
  const step = 7 * devicePixelRatio;
  const { ctx } = chart;
  ctx.save();
  ctx.beginPath();
  ctx.rect(start, top, end - start, height);
  ctx.clip();
  ctx.beginPath();
  for (let x = Math.floor((start - height) / step) * step; x < end; x += step) {
    ctx.moveTo(x, top + height);
    ctx.lineTo(x + height, top);
  }
  ctx.strokeStyle = colour("hatch");
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.stroke();
  ctx.restore();
}

/** Writes the reason into a stretch that has room for it. */
function label(chart, span) {
  const { top, height } = chart.bbox;
  const [start, end] = seen(chart, span);
  const { ctx } = chart;
  const unit = devicePixelRatio;
  ctx.save();
  ctx.font = FONT.replace("12", String(12 * unit));
  const text = fitted(ctx, span[2], end - start - 12 * unit);
  if (text) {
    const width = ctx.measureText(text).width + 12 * unit;
    const middle = (start + end) / 2;
    ctx.fillStyle = colour("card");
    ctx.beginPath();
    ctx.roundRect(middle - width / 2, top + height / 2 - 10 * unit, width, 20 * unit, 5 * unit);
    ctx.fill();
    ctx.fillStyle = colour("ink");
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.fillText(text, middle, top + height / 2 + unit / 2);
  }
  ctx.restore();
}

const SHORTEST = 4;

/** As much of the text as fits the width, or nothing where that would be a few letters. */
function fitted(ctx, text, width) {
  if (ctx.measureText(text).width <= width) return text;
  let kept = text;
  while (kept.length >= SHORTEST && ctx.measureText(`${kept}…`).width > width) kept = kept.slice(0, -1);
  return kept.length < SHORTEST ? "" : `${kept.trimEnd()}…`;
}
