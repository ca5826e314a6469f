// Draws figures with Apache ECharts. Fetched when a figure is first shown; `crates/app/src/figures/chart.rs` makes the option
// objects, `crates/app/src/components/chart.rs` calls what stands in `figureCharts` below.

import * as echarts from "./echarts.js";

/**
 * ECharts asks with every font how wide a Chinese character is, and each control character. No figure has one, and a browser that
 * has to look for it among the system's fonts stands still for up to a second. The former is as wide as the font is high.
 */
const pen = document.createElement("canvas").getContext("2d");
echarts.setPlatformAPI({
  measureText(text, font) {
    if (text === "国") return { width: parseFloat(/([\d.]+)px/.exec(font)?.[1] ?? "12") };
    if (/^[\0-\x1f\x7f]$/.test(text)) return { width: 0 };
    pen.font = font;
    return pen.measureText(text);
  },
});

/** What is drawn where: element to { chart, json, size }. */
const drawn = new Map();

/** Least distance between two names on an axis, CSS pixels. */
const GAP = 4;

/** About as much of a figure's width lies beside its drawing area, CSS pixels. */
const BESIDE = 88;

/**
 * Values of the style sheet in place of their names. ECharts writes a font into a saved SVG's attribute as it is, so a double quote
 * in it would end the attribute.
 */
function resolve(value, style) {
  if (typeof value === "string") {
    return value.replaceAll(/var\((--[\w-]+)\)/g, (_, name) => style.getPropertyValue(name).trim().replaceAll('"', "'"));
  }
  if (Array.isArray(value)) return value.map((item) => resolve(item, style));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item, style)]));
  }
  return value;
}

function read(json, element, width = element.clientWidth) {
  const option = resolve(JSON.parse(json), getComputedStyle(element));
  const label = option.xAxis?.axisLabel;
  if (label?.wrap) setNames(label, option.xAxis.data, (width - BESIDE) / option.xAxis.data.length, option.textStyle.fontFamily);
  for (const series of option.series) {
    // As much as is left free beside the streams.
    if (series.type === "sankey") series.label.width = 0.24 * width - 10;
    if (series.renderItem === "interval") series.renderItem = interval(series);
    if (series.renderItem === "dot") series.renderItem = dot(series);
  }
  option.tooltip.formatter = (hovered) => words([hovered].flat());
  return option;
}

/** Each name on as many lines as its `share` of the axis needs, somewhat smaller where a word asks for it, or aslant. */
function setNames(label, names, share, family) {
  const long = (text) => pen.measureText(text).width;
  for (const size of [12, 11, 10.5]) {
    pen.font = `${size}px ${family}`;
    const lines = names.map((name) => wrap(name.split(" "), (line) => long(line) + GAP <= share));
    const widths = lines.map((lines) => Math.max(...lines.map(long)));
    if (widths.slice(1).every((width, before) => (width + widths[before]) / 2 + GAP <= share)) {
      return Object.assign(label, { formatter: (_, name) => lines[name].join("\n"), fontSize: size });
    }
  }
  return Object.assign(label, { rotate: 45 });
}

/** Words as lines that fit; a word that does not has one of its own. */
function wrap(words, fits) {
  const lines = [];
  for (const word of words) {
    const longer = [...lines.slice(-1), word].join(" ");
    if (lines.length > 0 && fits(longer)) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** How far from the middle of its name a bar stands; what stands at no bar stands in the middle. */
function aside(beside, api) {
  if (!beside) return 0;
  return api.barLayout({ count: beside.bars, barGap: "12%", barCategoryGap: "24%", barMaxWidth: 46 })[beside.bar].offsetCenter;
}

/** A dot at its own bar. */
function dot({ beside, color, itemStyle: { opacity, borderColor } }) {
  return (params, api) => {
    const [x, y] = api.coord([api.value(0), api.value(1)]);
    return {
      type: "circle",
      shape: { cx: x + aside(beside, api), cy: y, r: 3.5 },
      style: { fill: color, stroke: borderColor, lineWidth: 1, opacity },
    };
  };
}

/** Whiskers from low to high at every point, or one band behind a line. */
function interval({ data, band, beside, itemStyle: { color, opacity } }) {
  return (params, api) => {
    if (band) {
      if (params.dataIndex > 0) return null;
      const upper = data.map(([x, , high]) => api.coord([x, high]));
      const lower = data.map(([x, low]) => api.coord([x, low]));
      const points = [...upper, ...lower.reverse()];
      return { type: "polygon", shape: { points }, style: { fill: color, opacity: 0.18 * opacity } };
    }
    const [x, low, high] = [0, 1, 2].map((dimension) => api.value(dimension));
    const [[at, bottom], [, top]] = [api.coord([x, low]), api.coord([x, high])];
    const line = (x1, y1, x2, y2) => ({
      type: "line",
      shape: { x1, y1, x2, y2 },
      style: { stroke: beside ? getInk() : color, lineWidth: 1.5, opacity },
    });
    const middle = at + aside(beside, api);
    const wing = 4;
    return {
      type: "group",
      children: [
        line(middle, bottom, middle, top),
        line(middle - wing, bottom, middle + wing, bottom),
        line(middle - wing, top, middle + wing, top),
      ],
    };
  };
}

function getInk() {
  return getComputedStyle(document.documentElement).getPropertyValue("--ink").trim();
}

function number(value) {
  if (typeof value !== "number" || !Number.isFinite(value)) return "–";
  return String(Number(value.toPrecision(4)));
}

/** What is said of the points under the pointer. */
function words(hovered) {
  const safe = echarts.format.encodeHTML;
  // Intervals are said with their points.
  const said = hovered.filter(({ data }) => !Array.isArray(data));
  if (said.length === 0) return "";
  if (said[0].seriesType === "sankey") {
    const { dataType, data, name, value } = said[0];
    return dataType === "edge" ? `${safe(data.source)} → ${safe(data.target)}: <b>${number(data.value)}</b>` : `${safe(name)}: <b>${number(value)}</b>`;
  }
  const lines = said.map(({ marker, seriesName, data: { value: [x, y], low, high } }) => {
    const range = low === null || high === null ? "" : ` (${number(low)} to ${number(high)})`;
    const where = said[0].axisValueLabel === undefined ? ` at ${number(x)}` : "";
    return `${marker}${safe(seriesName)}${where}: <b>${number(y)}</b>${range}`;
  });
  const head = said[0].axisValueLabel === undefined ? [] : [safe(said[0].axisValueLabel)];
  return [...head, ...lines].join("<br>");
}

/** What is still to be drawn: element to json. */
const waiting = new Map();

/** Draws a figure into an element, in place of what it showed before: one figure a frame, for all at once would hold up the page. */
function draw(element, json) {
  if (waiting.size === 0) requestAnimationFrame(drawNext);
  waiting.set(element, json);
}

function drawNext() {
  const [next] = waiting;
  if (!next) return;
  waiting.delete(next[0]);
  if (waiting.size > 0) requestAnimationFrame(drawNext);
  drawNow(...next);
}

function drawNow(element, json) {
  let shown = drawn.get(element);
  if (!shown) {
    const chart = echarts.init(element, null, { renderer: "svg" });
    const size = new ResizeObserver(() => chart.resize());
    size.observe(element);
    shown = { chart, size };
    drawn.set(element, shown);
  }
  shown.json = json;
  shown.chart.setOption(read(json, element), { notMerge: true });
}

/** Forgets an element that goes. */
function release(element) {
  waiting.delete(element);
  const shown = drawn.get(element);
  shown?.size.disconnect();
  shown?.chart.dispose();
  drawn.delete(element);
}

/** The figure with its title, for a picture that stands alone. */
function alone(element, title) {
  const option = read(drawn.get(element).json, element, WIDTH);
  const style = getComputedStyle(element);
  const ink = style.getPropertyValue("--ink").trim();
  option.title = { text: title, left: 10, top: 8, textStyle: { fontSize: 15, color: ink } };
  option.backgroundColor = style.getPropertyValue("--card").trim();
  let taller = 0;
  if (option.legend?.show) {
    // On paper nobody can turn its pages: all names are shown, row below row.
    Object.assign(option.legend, { type: "plain", top: 34, left: 10, right: 10 });
    const lengths = option.legend.data.map(({ name }) => 45 + 6.8 * name.length);
    let rows = 1;
    let filled = 0;
    for (const length of lengths) {
      if (filled + length > WIDTH - 20) [rows, filled] = [rows + 1, 0];
      filled += length;
    }
    taller = 24 * (rows - 1);
    option.grid.top = 72 + taller;
  } else if (option.grid) option.grid.top = 44;
  else option.series[0].top = 44;
  return { option, height: HEIGHT + taller };
}

const WIDTH = 960;
const HEIGHT = 540;

/** Saves a figure as a picture, `png` or `svg`. */
function savePicture(element, kind, title, name) {
  if (!drawn.has(element)) return;
  const { option, height } = alone(element, title);
  if (kind === "svg") {
    const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height });
    chart.setOption(option);
    saveText(chart.renderToSVGString(), "image/svg+xml", `${name}.svg`);
    chart.dispose();
  } else {
    const sheet = document.createElement("div");
    const chart = echarts.init(sheet, null, { renderer: "canvas", width: WIDTH, height });
    chart.setOption(option);
    save(chart.getDataURL({ type: "png", pixelRatio: 2 }), `${name}.png`);
    chart.dispose();
  }
}

function saveText(text, type, file) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  save(address, file);
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

function save(address, file) {
  const link = document.createElement("a");
  link.href = address;
  link.download = file;
  link.click();
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const [element, { json }] of drawn) draw(element, json);
});

globalThis.figureCharts = { draw, release, savePicture, saveText };
