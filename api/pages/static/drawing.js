// Draws the page's charts. Colours are named by the server and chosen by the style sheet.
"use strict";

const charts = JSON.parse(document.getElementById("charts").textContent);
const CONFIG = { displayModeBar: false, showTips: false };
const printed = document.getElementById("printed");

// A moment as the place's people read it, wherever the browser is; with its date where asked for.
function clock(moment, dated = false) {
  const date = dated ? { year: "numeric", month: "2-digit", day: "2-digit" } : {};
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: printed.dataset.zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...date,
  }).formatToParts(moment);
  const of = Object.fromEntries(parts.map(({ type, value }) => [type, value]));
  const time = `${of.hour}:${of.minute}`;
  return dated ? `${time} ${of.day}/${of.month}/${of.year}` : time;
}

function coloured(value, styles) {
  if (typeof value === "string") {
    const name = /^var\((--[\w-]+)\)$/.exec(value);
    if (name) return styles.getPropertyValue(name[1]).trim();
    return value === "inherit" ? getComputedStyle(document.body).fontFamily : value;
  }
  if (Array.isArray(value)) return value.map((item) => coloured(item, styles));
  if (value && typeof value === "object") {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, coloured(item, styles)]),
    );
  }
  return value;
}

// Narrower than this, bars and their names are no longer told apart: a phone scrolls the chart.
const NARROWEST_PX = 520;

function draw(name) {
  const place = document.querySelector(`[data-chart="${CSS.escape(name)}"]`);
  if (!place || !window.Plotly) return;
  const { data, layout } = coloured(charts[name], getComputedStyle(document.documentElement));
  // Its own width, asked for now: a chart that finds it out later is too wide for paper.
  const narrow = place.clientWidth < NARROWEST_PX;
  layout.width = narrow ? NARROWEST_PX : place.clientWidth;
  // What scrolls can be reached by keyboard, too.
  if (narrow) place.tabIndex = 0;
  else place.removeAttribute("tabindex");
  // Drawn again for paper, a chart would otherwise forget how high it is.
  if (layout.height) place.style.minHeight = `${layout.height}px`;
  window.Plotly.react(place, data, layout, CONFIG);
}

function drawAll() {
  Object.keys(charts).forEach(draw);
}

// Paper is light and as wide as paper; charts are drawn anew for it and back afterwards.
function toPaper(yes) {
  document.documentElement.classList.toggle("paper", yes);
  printed.textContent = printed.dataset.words.replace("{time}", clock(new Date(), true));
  drawAll();
}

let wide = window.innerWidth;
let resized = 0;

drawAll();
window.addEventListener("resize", () => {
  // Tablets resize a page also when it scrolls: only another width changes a chart.
  if (window.innerWidth === wide) return;
  wide = window.innerWidth;
  cancelAnimationFrame(resized);
  resized = requestAnimationFrame(drawAll);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
window.addEventListener("beforeprint", () => toPaper(true));
window.addEventListener("afterprint", () => toPaper(false));
