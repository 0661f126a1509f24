// Signals over any window: asks the API for as many points as there is room for, draws them below
// one another with the states and stops of their machines, and keeps the window in the address.
"use strict";

const content = JSON.parse(document.getElementById("content").textContent);
const { words, signals, kinds } = content;
const byId = (id) => document.getElementById(id);
const locale = content.language === "vi" ? "vi-VN" : "en-GB";
const number = new Intl.NumberFormat(locale, { maximumSignificantDigits: 5 });
const whole = new Intl.NumberFormat(locale);
const time = new Intl.DateTimeFormat("en-GB", {
  timeZone: content.zone, day: "2-digit", month: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
const HIGH = 132, TOP = 8, BOTTOM = 20, LEFT = 62, RIGHT = 10, POINTS = 500, SHORTEST_MS = 1000, LONGEST_MS = 3660 * 86400000;
const MINUTE = 60000, HOUR = 3600000, DAY = 86400000;
const STEPS = [1000, 5000, 15000, 30000, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 91 * DAY, 365 * DAY, 730 * DAY];
// A plant replayed has a time of its own.
const ahead = Date.parse(content.now) - Date.now();
let { chosen } = content;
let start = Date.parse(content.start), end = Date.parse(content.end);
let drawn = [], stops = [], odd = [], asked = 0, cursor = null;

const stamp = (moment) => new Date(Math.floor(moment / 1000) * 1000).toISOString().replace(".000Z", "Z");
const say = (moment) => {
  const at = Object.fromEntries(time.formatToParts(new Date(moment)).map(({ type, value }) => [type, value]));
  return `${at.hour}:${at.minute}${end - start < HOUR ? `:${at.second}` : ""} ${at.day}/${at.month}`;
};

function svg(name, attributes = {}, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}

function html(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

async function get(path, query) {
  const response = await fetch(`/api/v1/${path}?${new URLSearchParams(query)}`);
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.detail ?? String(response.status));
  return answer;
}

// The zone's offset at a moment, so that fields of date and time are of the place, not the browser.
function wall(moment) {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: content.zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
  }).formatToParts(new Date(moment));
  const of = Object.fromEntries(parts.map(({ type, value }) => [type, value]));
  return `${of.year}-${of.month}-${of.day}T${of.hour}:${of.minute}:${of.second}`;
}

function ofWall(text) {
  const guess = Date.parse(`${text}Z`);
  return guess - (Date.parse(`${wall(guess)}Z`) - guess);
}

const machinesOf = () => [...new Set(chosen.map((tag) => signals[tag].machine))];

function address() {
  const query = new URLSearchParams({ start: stamp(start), end: stamp(end) });
  for (const tag of chosen) query.append("tag", tag);
  if (content.stop) query.set("stop", content.stop);
  return `?${query}`;
}

async function load() {
  const mine = (asked += 1);
  byId("panels").setAttribute("aria-busy", "true");
  byId("window").textContent = `${say(start)} – ${say(end)} (${content.zone})`;
  byId("start").value = wall(start).slice(0, 16);
  byId("end").value = wall(end).slice(0, 16);
  byId("how-many").textContent = chosen.length;
  const window_ = { start: stamp(start), end: stamp(Math.max(end, start + SHORTEST_MS)) };
  byId("raw").href = `/api/v1/measurements.csv?${new URLSearchParams({ place: content.place, ...window_ })}`;
  const close = end - start <= content.states_within_ms;
  const machines = machinesOf();
  try {
    const [series, states, stopped, anomalies] = await Promise.all([
      Promise.all(chosen.map((tag) => get("series", { tag, ...window_, points: POINTS }))),
      Promise.all(close ? machines.map((place) => get("states", { place, ...window_ })) : []),
      Promise.all(close ? machines.map((place) => get("stops", { place, ...window_, limit: 300 })) : []),
      close ? get("anomalies/events", { place: content.place, ...window_, limit: 200 }) : { data: [] },
    ]);
    if (mine !== asked) return;
    byId("trouble").hidden = true;
    drawn = series.map(({ data, meta }, n) => ({ tag: chosen[n], meta, points: data.map((one) => ({ ...one, at: Date.parse(one.time) })) }));
    stops = stopped.flatMap(({ data }) => data);
    odd = anomalies.data.filter((one) => machines.includes(one.place));
    strips(machines, states.map(({ data }) => data), close);
    draw();
    listStops(close);
    figures(window_);
    byId("panels").setAttribute("aria-busy", "false");
  } catch (problem) {
    if (mine !== asked) return;
    byId("trouble").textContent = words.failed.replace("{reason}", problem.message);
    byId("trouble").hidden = false;
    byId("panels").setAttribute("aria-busy", "false");
  }
}

const room = () => Math.max(300, byId("panels").clientWidth);
const px = (moment) => LEFT + ((moment - start) / (end - start)) * (room() - LEFT - RIGHT);
const momentAt = (x) => start + ((x - LEFT) / (room() - LEFT - RIGHT)) * (end - start);
const kindOf = (one) => (one.element === "delay" ? one.stop_kind ?? "stopped" : one.element);
const color = (kind) => `var(--state-${kind.replaceAll("_", "-")})`;

function strips(machines, states, close) {
  const box = byId("strips");
  if (!close) {
    box.replaceChildren(html("p", { class: "of" }, words.states_too_long.replace("{days}", content.states_within_ms / DAY)));
    return;
  }
  box.replaceChildren(...machines.map((machine, n) => {
    const name = `${words.states}: ${content.machines[machine]}`;
    const made = svg("svg", { width: room(), height: 24, role: "img", "aria-label": name });
    for (const one of states[n]) {
      const [from, to] = [px(Date.parse(one.start)), px(Date.parse(one.end))];
      const kind = kindOf(one);
      const box_ = { x: from, y: 0, width: Math.max(to - from, 0.5), height: 24 };
      const bar = svg("rect", { ...box_, fill: color(kind) });
      bar.append(svg("title", {}, [kinds[kind]?.name ?? kind, `${say(Date.parse(one.start))} – ${say(Date.parse(one.end))}`,
        one.stop_reason && (content.reasons[one.stop_reason] ?? one.stop_reason), one.order && `${words.order} ${one.order}`].filter(Boolean).join(" · ")));
      made.append(bar);
      if (kinds[kind]?.texture) made.append(svg("rect", { ...box_, fill: `url(#${kinds[kind].texture})`, "pointer-events": "none" }));
    }
    return html("div", { class: "strip-row" }, html("div", { class: "of" }, name), made);
  }));
}

function ticks(axis) {
  const step = STEPS.find((one) => (end - start) / one <= room() / 110) ?? 1825 * DAY;
  const shift = Date.parse(`${wall(start)}Z`) - start;
  for (let at = Math.ceil((start + shift) / step) * step - shift; at <= end; at += step) {
    const x = px(at);
    if (x < LEFT || x > room() - 20) continue;
    const [date, clock] = wall(at).split("T");
    const [year, month, day] = date.split("-");
    const text = step < DAY ? (clock.startsWith("00:00:00") ? `${day}/${month}` : clock.slice(0, step < MINUTE ? 8 : 5)) : step < 30 * DAY ? `${day}/${month}` : `${month}/${year}`;
    axis.append(svg("path", { d: `M${x} ${TOP}V${HIGH - BOTTOM}`, class: "plot-grid" }), svg("text", { x, y: HIGH - 5, "text-anchor": "middle" }, text));
  }
}

function panel({ tag, points }) {
  const { name, unit, machine } = signals[tag];
  const title = content.units.length > 1 ? `${name} · ${content.machines[machine]}` : name;
  const made = svg("svg", { width: room(), height: HIGH, tabindex: "0", role: "img", "aria-label": `${title}${unit ? `, ${unit}` : ""}` });
  ticks(made);
  let low = Infinity, high = -Infinity;
  for (const point of points) {
    low = Math.min(low, point.low);
    high = Math.max(high, point.high);
  }
  const pad = (high - low || Math.abs(high) || 1) * 0.06;
  const y = (value) => HIGH - BOTTOM - ((value - low + pad) / (high - low + 2 * pad)) * (HIGH - BOTTOM - TOP);
  for (const one of stops.filter(({ place }) => place === machine)) {
    const [from, to] = [Math.max(px(Date.parse(one.start)), LEFT), Math.min(px(one.end ? Date.parse(one.end) : end), room() - RIGHT)];
    const bar = svg("rect", { x: from, y: TOP, width: Math.max(to - from, 1), height: HIGH - BOTTOM - TOP, fill: color(kindOf(one)), class: pointed(one) ? "stop pointed" : "stop" });
    made.append(bar);
  }
  if (points.length) {
    for (const value of [low, high]) made.append(svg("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, number.format(value)));
    const upper = points.map((one) => `${px(one.at).toFixed(1)} ${y(one.high).toFixed(1)}`);
    const lower = points.map((one) => `${px(one.at).toFixed(1)} ${y(one.low).toFixed(1)}`).reverse();
    made.append(svg("path", { class: "band", d: `M${upper.join("L")}L${lower.join("L")}z` }));
    made.append(svg("path", { class: "mean", d: `M${points.map((one) => `${px(one.at).toFixed(1)} ${y(one.value).toFixed(1)}`).join("L")}` }));
    if (points.length < 60) for (const one of points) made.append(svg("circle", { class: "dot", cx: px(one.at), cy: y(one.value), r: 2.4 }));
  } else made.append(svg("text", { x: room() / 2, y: HIGH / 2, "text-anchor": "middle" }, words.nothing));
  for (const one of odd.filter(({ place, tag: about }) => place === machine && (!about || tag.endsWith(`/${about}`) || tag === about))) {
    const [from, to] = [Math.max(px(Date.parse(one.start_time)), LEFT), Math.min(px(one.end_time ? Date.parse(one.end_time) : end), room() - RIGHT)];
    const mark = svg("rect", { class: "odd", x: from, y: TOP + 1, width: Math.max(to - from, 3), height: HIGH - BOTTOM - TOP - 2 });
    mark.append(svg("title", {}, `${words.anomalies}: ${content.anomaly_kinds[one.kind] ?? one.kind}`));
    made.append(mark);
  }
  const read = html("output", {});
  const figure = html("figure", { class: "panel" }, html("figcaption", {}, html("span", {}, html("b", {}, title), unit ? ` ${unit}` : ""), read), made);
  listen(made);
  return { figure, made, read, points };
}

let panels = [];

function draw() {
  panels = drawn.map(panel);
  byId("panels").replaceChildren(...(panels.length ? panels.map(({ figure }) => figure) : [html("p", {}, Object.keys(signals).length ? words.none : words.no_signals)]));
  if (cursor !== null) point(cursor);
}

// One moment, read in every panel.
function point(moment) {
  cursor = Math.min(Math.max(moment, start), end);
  for (const { made, read, points } of panels) {
    made.querySelector(".cross")?.remove();
    made.append(svg("path", { class: "cross", d: `M${px(cursor)} ${TOP}V${HIGH - BOTTOM}` }));
    const near = points.findLast((one) => one.at <= cursor) ?? points[0];
    read.textContent = near ? (near.low === near.high ? number.format(near.value) : `${number.format(near.low)} … ${number.format(near.value)} … ${number.format(near.high)}`) : "";
  }
  byId("at").textContent = words.at.replace("{time}", say(cursor));
}

function listen(made) {
  let from = null;
  const at = (event) => event.clientX - made.getBoundingClientRect().left;
  made.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    from = at(event);
    made.setPointerCapture(event.pointerId);
  });
  made.addEventListener("pointermove", (event) => {
    const x = at(event);
    point(momentAt(x));
    if (from === null) return;
    made.querySelector(".drag")?.remove();
    made.append(svg("rect", { class: "drag", x: Math.min(from, x), y: TOP, width: Math.abs(x - from), height: HIGH - BOTTOM - TOP }));
  });
  made.addEventListener("pointerup", (event) => {
    const x = at(event);
    const begun = from;
    from = null;
    made.querySelector(".drag")?.remove();
    if (begun !== null && Math.abs(x - begun) > 8) go(momentAt(Math.min(begun, x)), momentAt(Math.max(begun, x)));
  });
  made.addEventListener("pointercancel", () => {
    from = null;
    made.querySelector(".drag")?.remove();
  });
  made.addEventListener("keydown", (event) => {
    const step = (end - start) / 100;
    const keys = {
      ArrowLeft: () => point((cursor ?? (start + end) / 2) - step), ArrowRight: () => point((cursor ?? (start + end) / 2) + step),
      "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), "−": () => zoom(2),
    };
    if (!keys[event.key] || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    keys[event.key]();
  });
}

function go(from, to) {
  if (!Number.isFinite(from) || !Number.isFinite(to)) return;
  const span = Math.min(Math.max(to - from, SHORTEST_MS), LONGEST_MS);
  const shift = Math.max(0, from + span - (Date.now() + ahead));
  // Nothing is known of what has not come; a window that was so long before may stay.
  start = Math.round(from - (to > end ? shift : 0));
  end = start + Math.round(span);
  history.pushState({ start, end, chosen }, "", address());
  load();
}

function zoom(by) {
  const middle = cursor ?? (start + end) / 2;
  go(middle - (middle - start) * by, middle + (end - middle) * by);
}

const pointed = (stop) => content.stop !== null && Math.abs(Date.parse(stop.start) - Date.parse(content.stop)) < 1000;

function lasted(seconds) {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1) return content.in_time.seconds.replace("{s}", Math.round(seconds));
  if (minutes < 60) return content.in_time.minutes.replace("{m}", minutes);
  return content.in_time.hours.replace("{h}", Math.floor(minutes / 60)).replace("{m}", String(minutes % 60).padStart(2, "0"));
}

function listStops(close) {
  const rows = [...stops].sort((one, other) => Date.parse(one.start) - Date.parse(other.start)).map((stop) => {
    const kind = kindOf(stop);
    const zoomed = html("button", { type: "button", class: "link" }, `${say(Date.parse(stop.start))} – ${stop.end ? say(Date.parse(stop.end)) : "…"}`);
    const [from, to] = [Date.parse(stop.start), stop.end ? Date.parse(stop.end) : Date.now() + ahead];
    zoomed.addEventListener("click", () => go(from - Math.max((to - from) / 2, 60000), to + Math.max((to - from) / 2, 60000)));
    const reason = stop.stop_reason ? content.reasons[stop.stop_reason] ?? stop.stop_reason : kind === "down" ? "" : content.unassigned;
    return html("tr", pointed(stop) ? { class: "pointed" } : {},
      html("td", { class: "text" }, zoomed), html("td", { class: "text" }, content.machines[stop.place] ?? stop.place),
      html("td", { class: "duration" }, lasted(stop.duration_s)), html("td", { class: "text" }, kinds[kind]?.name ?? kind),
      html("td", { class: "text" }, html("b", {}, reason)), html("td", { class: "text" }, html("a", { href: `/operator/${stop.place}` }, words.give_reason)));
  });
  byId("stops").replaceChildren(...(rows.length ? rows : [html("tr", {}, html("td", { class: "text" }, close ? words.no_stops : words.states_too_long.replace("{days}", content.states_within_ms / DAY)))]));
}

function figures(window_) {
  byId("figures").replaceChildren(...drawn.map(({ tag, points }) => {
    const samples = points.reduce((sum, one) => sum + one.samples, 0);
    const mean = points.reduce((sum, one) => sum + one.value * one.samples, 0) / (samples || 1);
    const shown = points.length ? [Math.min(...points.map((one) => one.low)), mean, Math.max(...points.map((one) => one.high))].map((one) => number.format(one)) : ["—", "—", "—"];
    const files = ["csv", "xlsx"].map((format) => html("a", { class: "file", download: "", href: `/api/v1/series?${new URLSearchParams({ tag, ...window_, points: 10000, format, lang: content.language })}` }, format === "csv" ? "CSV" : "Excel"));
    return html("tr", {}, html("td", { class: "text" }, `${signals[tag].name} ${signals[tag].unit}`), ...shown.map((text) => html("td", {}, text)),
      html("td", {}, whole.format(samples)), html("td", { class: "text" }, files[0], " ", files[1]));
  }));
}

byId("moments").addEventListener("submit", (event) => {
  event.preventDefault();
  const [from, to] = [ofWall(byId("start").value), ofWall(byId("end").value)];
  if (from < to) go(from, to);
  else byId("end").focus();
});
const STEP = {
  earlier: () => go(start - (end - start) / 2, end - (end - start) / 2),
  later: () => go(start + (end - start) / 2, end + (end - start) / 2),
  in: () => zoom(0.5),
  out: () => zoom(2),
  latest: () => go(Date.now() + ahead - (end - start), Date.now() + ahead),
};
for (const button of document.querySelectorAll("[data-step]")) button.addEventListener("click", STEP[button.dataset.step]);
byId("signals").addEventListener("change", (event) => {
  if (event.target.name !== "tag") return;
  chosen = [...document.querySelectorAll("input[name=tag]:checked")].map((one) => one.value);
  if (chosen.length > content.most) {
    event.target.checked = false;
    chosen = chosen.filter((tag) => tag !== event.target.value);
    return;
  }
  history.replaceState({ start, end, chosen }, "", address());
  load();
});
byId("filter").addEventListener("input", () => {
  const wanted = byId("filter").value.trim().toLocaleLowerCase();
  for (const label of document.querySelectorAll("#signals label")) label.hidden = !label.textContent.toLocaleLowerCase().includes(wanted);
});
window.addEventListener("popstate", ({ state }) => {
  ({ start, end, chosen } = state ?? { start: Date.parse(content.start), end: Date.parse(content.end), chosen: content.chosen });
  for (const box of document.querySelectorAll("input[name=tag]")) box.checked = chosen.includes(box.value);
  load();
});
let wide = window.innerWidth;
window.addEventListener("resize", () => {
  if (window.innerWidth === wide) return;
  wide = window.innerWidth;
  load();
});
load();
