// One metric over time: minimum, average and maximum of buckets from the API, incidents and maintenance as bands.
//
// Draws into a <figure data-chart data-source data-metric data-from data-to> in the place of the server's drawing. Drag
// to look closer (buckets are asked for again, finer), double-click to go back; the address follows, so that a view is a
// bookmark. The arrow keys move, + and - change the range.
const HEIGHT = 272;
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400];
const CLOSEST_S = 10;
const LIVE_MS = 15000;

export async function drawChart(figure, bands) {
  if (!window.uPlot) return;
  const chart = new Chart(figure, bands);
  await chart.show(seconds(figure.dataset.from), seconds(figure.dataset.to));
  if (figure.dataset.liveRange) setInterval(() => document.hidden || chart.follow(), LIVE_MS);
}

class Chart {
  constructor(figure, bands) {
    this.figure = figure;
    this.home = [seconds(figure.dataset.from), seconds(figure.dataset.to)];
    this.bands = bands.map(({ dataset }) => ({ tone: dataset.tone, since: seconds(dataset.since), until: dataset.until ? seconds(dataset.until) : Infinity }));
    this.asked = 0;
    addEventListener("resize", () => this.plot?.setSize({ width: this.width(), height: HEIGHT }));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.rebuild());
    new MutationObserver(() => this.rebuild()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  }

  /** Ask for the buckets between two instants, in seconds, and draw them; an answer that was overtaken is dropped. */
  async show(from, to) {
    const mine = ++this.asked;
    const step = STEPS_S.find((each) => each >= (to - from) / this.width()) ?? 86400 * Math.ceil((to - from) / this.width() / 86400);
    const asked = new URLSearchParams({ metric: this.figure.dataset.metric, from: iso(from), to: iso(to), step });
    const answer = await fetch(`${this.figure.dataset.source}?${asked}`).catch(() => null);
    if (!answer?.ok || mine !== this.asked) return;
    const { points } = await answer.json();
    if (points.some((point) => point.length === 2 && typeof point[1] === "string")) return;
    this.range = [from, to];
    this.data = columns(points, step);
    this.rebuild();
  }

  /** Draw what is there, with the colours of now. */
  rebuild() {
    if (!this.data) return;
    const place = document.createElement("div");
    place.className = "plot";
    place.tabIndex = 0;
    place.setAttribute("role", "img");
    place.setAttribute("aria-label", `${this.figure.dataset.metric}; arrow keys move, plus and minus change the range`);
    place.addEventListener("keydown", (event) => this.key(event));
    place.addEventListener("dblclick", () => this.go(...this.home));
    const focused = this.place && this.place === document.activeElement;
    (this.place ?? this.figure.querySelector("svg")).replaceWith(place);
    this.place = place;
    this.plot?.destroy();
    this.plot = new window.uPlot(this.options(), this.data, place);
    if (focused) place.focus();
  }

  options() {
    const colour = (name) => resolve(this.figure, name);
    const [line, band, ink, grid] = ["--series-1", "--band", "--quiet", "--line"].map(colour);
    const unit = this.figure.dataset.unit ? ` ${this.figure.dataset.unit}` : "";
    const value = (_, found) => (found == null ? "–" : `${Number(found.toPrecision(6))}${unit}`);
    const hours = this.range[1] - this.range[0] <= 36 * 3600;
    const times = (_, splits) => splits.map((at) => told(at, hours));
    const axis = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
    const edge = { stroke: "transparent", points: { show: false }, value };
    return {
      width: this.width(),
      height: HEIGHT,
      scales: { x: { min: this.range[0], max: this.range[1] } },
      axes: [{ ...axis, values: times, space: hours ? 60 : 90 }, { ...axis, size: 64 }],
      series: [{ label: "at", value: (_, at) => (at == null ? "–" : new Date(at * 1000).toLocaleString()) }, { label: "min", ...edge }, { label: "avg", stroke: line, width: 1.75, value, points: { show: false } }, { label: "max", ...edge }],
      bands: [{ series: [3, 1], fill: band }],
      cursor: { drag: { x: true, y: false, setScale: false } },
      legend: { live: true },
      hooks: {
        drawClear: [(plot) => this.drawBands(plot, colour)],
        setSelect: [(plot) => plot.select.width > 4 && this.go(plot.posToVal(plot.select.left, "x"), plot.posToVal(plot.select.left + plot.select.width, "x"))],
      },
    };
  }

  drawBands(plot, colour) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const { tone, since, until } of this.bands) {
      const left = plot.valToPos(Math.max(since, this.range[0]), "x", true);
      const right = plot.valToPos(Math.min(until, this.range[1]), "x", true);
      const name = tone === "planned" ? "--good" : `--${tone.toLowerCase()}`;
      ctx.fillStyle = colour(`${name}-tint`);
      ctx.fillRect(left, bbox.top, Math.max(2, right - left), bbox.height);
      ctx.fillStyle = colour(name);
      if (since >= this.range[0]) ctx.fillRect(left, bbox.top, 2, bbox.height);
      if (until <= this.range[1]) ctx.fillRect(right - 1, bbox.top, 1, bbox.height);
    }
    ctx.restore();
  }

  /** Show another range, and say so in the address. */
  go(from, to) {
    if (to - from < CLOSEST_S) return;
    const address = new URL(location.href);
    address.searchParams.delete("range");
    address.searchParams.set("metric", this.figure.dataset.metric);
    const isHome = from === this.home[0] && to === this.home[1];
    if (isHome && this.figure.dataset.liveRange) {
      for (const name of ["from", "to"]) address.searchParams.delete(name);
      address.searchParams.set("range", this.figure.dataset.liveRange);
    } else {
      address.searchParams.set("from", iso(Math.floor(from)));
      address.searchParams.set("to", iso(Math.ceil(to)));
    }
    history.replaceState(null, "", address);
    this.show(from, to);
  }

  /** Move with the clock, where the range ends now and nobody looks closer. */
  follow() {
    const [from, to] = this.home;
    if (this.range?.[1] !== to || this.place?.matches(":hover")) return;
    const now = Date.now() / 1000;
    if (now - to > 86400) return; // recorded data of long ago does not go on
    this.home = [now - (to - from), now];
    this.show(...this.home);
  }

  key(event) {
    const [from, to] = this.range;
    const length = to - from;
    const moves = { ArrowLeft: [-0.25, -0.25], ArrowRight: [0.25, 0.25], "+": [0.25, -0.25], "-": [-0.5, 0.5] };
    const move = moves[event.key];
    if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.go(from + move[0] * length, to + move[1] * length);
  }

  width() {
    return Math.max(240, this.figure.clientWidth);
  }
}

/** [time, min, avg, max] as columns of numbers, in seconds, with a gap where nothing came for long. */
function columns(points, step) {
  const found = [[], [], [], []];
  let before = null;
  const gaps = points.map((point, place) => (place ? seconds(point[0]) - seconds(points[place - 1][0]) : step)).sort((a, b) => a - b);
  const longest = 3 * Math.max(step, gaps[Math.floor(gaps.length / 2)] ?? step);
  for (const [at, low, average, high] of points) {
    const time = seconds(at);
    const numbers = average === undefined ? [low, low, low].map(Number) : [low, average, high];
    if (before !== null && time - before > longest) [before + step, null, null, null].forEach((value, place) => found[place].push(value));
    [time, ...numbers].forEach((value, place) => found[place].push(value));
    before = time;
  }
  return found;
}

/** A colour of the tokens as the canvas knows it; `light-dark()` counts only where an element uses it. */
function resolve(element, name) {
  const probe = element.appendChild(document.createElement("span"));
  probe.style.color = `var(${name})`;
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** What stands below the chart: the time of day, or the day where more than one is shown; midnight always says which. */
function told(at, hours) {
  const date = new Date(at * 1000);
  const day = date.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  const time = date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  if (time === "00:00") return day;
  return hours ? time : `${day}\n${time}`;
}

function seconds(instant) {
  return Date.parse(instant) / 1000;
}

function iso(at) {
  return new Date(at * 1000).toISOString();
}
