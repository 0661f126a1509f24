// Draws the page's charts. Colours are named by the server and chosen by the style sheet.
"use strict";

const charts = JSON.parse(document.getElementById("charts").textContent);
const CONFIG = { displayModeBar: false, responsive: true, showTips: false };

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
  if (place.clientWidth < NARROWEST_PX) layout.width = NARROWEST_PX;
  // Drawn again for paper, a chart would otherwise forget how high it is.
  if (layout.height) place.style.minHeight = `${layout.height}px`;
  window.Plotly.react(place, data, layout, CONFIG);
}

function drawAll() {
  Object.keys(charts).forEach(draw);
}

// Paper is light and as wide as paper; charts are drawn anew for it and back afterwards.
function resizeAll() {
  if (!window.Plotly) return;
  drawAll();
  document.querySelectorAll("[data-chart]").forEach((place) => window.Plotly.Plots.resize(place));
}

function toPaper(yes) {
  document.documentElement.classList.toggle("paper", yes);
  resizeAll();
}

drawAll();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
window.addEventListener("beforeprint", () => toPaper(true));
window.addEventListener("afterprint", () => toPaper(false));
