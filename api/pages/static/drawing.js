// Draws the page's charts: anew when it is another width, and for paper.
"use strict";

const charts = JSON.parse(document.getElementById("charts").textContent);
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

// Narrower than this, bars and their names are no longer told apart: a phone scrolls the chart.
const NARROWEST_PX = 520;

function draw(name) {
  const place = document.querySelector(`[data-chart="${CSS.escape(name)}"]`);
  if (!place) return;
  const narrow = place.clientWidth < NARROWEST_PX;
  // What scrolls can be reached by keyboard, too.
  if (narrow) place.tabIndex = 0;
  else place.removeAttribute("tabindex");
  plot(place, charts[name], narrow ? NARROWEST_PX : place.clientWidth);
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
window.addEventListener("beforeprint", () => toPaper(true));
window.addEventListener("afterprint", () => toPaper(false));
