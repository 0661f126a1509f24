// Two taps give a stop its reason. A choice is shown at once, kept in this tablet, and sent until
// the server says that it has it; every choice has an id of its own, so sending twice is harmless.
"use strict";

const content = JSON.parse(document.getElementById("content").textContent);
const { place, words, kinds, reasons } = content;
const QUEUE = "nhipmay.choices";
const KNOWN = `nhipmay.stops.${place}`;
const POLL_MS = 5000;
const LONGEST_PAUSE_MS = 60000;
const DAY_MS = 86400000;
// A glove taps twice as it lifts: what has just appeared takes no tap for so long.
const BOUNCE_MS = 350;

const byCode = new Map(reasons.map((reason) => [reason.code, reason]));
const clock = new Intl.DateTimeFormat(content.language === "vi" ? "vi-VN" : "en-GB", {
  timeZone: content.zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});
const day = new Intl.DateTimeFormat("en-GB", { timeZone: content.zone, day: "2-digit", month: "2-digit" });
const known = stored(KNOWN);
let stops = content.stops;
let picked = null;
let tries = 0;
let timer = 0;
let sending = false;
// Why the list may be old: `away` or `signed_out`; empty while it is not.
let link = "";
let seen = Date.parse(content.now);
// A plant replayed has a time of its own; a page from the worker's store has none any more.
let ahead = seen - Date.now();

// The page may come from the worker's store; then what was seen last is newer than what it holds.
if (known && known.seen > content.now) {
  ({ stops } = known);
  seen = Date.parse(known.seen);
  ahead = 0;
}

function stored(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
}

function choices() {
  return stored(QUEUE) ?? [];
}

function keep(list) {
  // What was settled long ago is on the server; only what waits is kept for ever.
  const old = Date.now() - DAY_MS;
  const wanted = list.filter((one) => one.state === "waiting" || one.tapped > old);
  localStorage.setItem(QUEUE, JSON.stringify(wanted));
}

function settle(id, state, why) {
  keep(choices().map((one) => (one.client_id === id ? { ...one, state, why } : one)));
}

function newId() {
  // `crypto.randomUUID` is for encrypted pages only; a plant's network often has none.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function choose(stop, reason) {
  keep([
    ...choices(),
    { client_id: newId(), place, stop_start: stop.start, reason, tapped: Date.now(), state: "waiting" },
  ]);
  leave(stop);
  tries = 0;
  deliver();
}

function leave(stop) {
  picked = null;
  show();
  rest("list", cards.get(stop.start)?.button ?? document.getElementById("list-title"));
}

async function deliver() {
  clearTimeout(timer);
  if (sending) return;
  sending = true;
  try {
    for (const one of choices().filter((each) => each.state === "waiting")) {
      const outcome = await send(one);
      if (outcome === "later") {
        tries += 1;
        const pause = Math.min(LONGEST_PAUSE_MS, 1000 * 2 ** Math.min(tries - 1, 6));
        // Not all tablets at once when the network is back.
        timer = setTimeout(deliver, pause * (0.75 + Math.random() / 2));
        break;
      }
      tries = 0;
      show();
    }
  } finally {
    sending = false;
    show();
  }
}

async function send({ client_id, place: where, stop_start, reason, tapped }) {
  const waited = Math.min(30 * 86400, Math.max(0, (Date.now() - tapped) / 1000));
  try {
    const answer = await fetch("/api/v1/stops/classification", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ client_id, place: where, stop_start, reason, waited_s: waited }),
      signal: AbortSignal.timeout(10000),
    });
    if (answer.ok) {
      settle(client_id, "sent");
      return "sent";
    }
    if ([401, 403].includes(answer.status)) link = "signed_out";
    if (answer.status >= 500 || [401, 403, 408, 425, 429].includes(answer.status)) return "later";
    const problem = await answer.json().catch(() => ({}));
    settle(client_id, "refused", problem.type ?? String(answer.status));
    return "refused";
  } catch {
    return "later";
  }
}

async function refresh() {
  const query = new URLSearchParams({ place, limit: "60" });
  await refreshPresent();
  try {
    const answer = await fetch(`/api/v1/stops?${query}`, { headers: { "X-Refresh": "1" }, signal: AbortSignal.timeout(10000) });
    link = answer.ok ? "" : [401, 403].includes(answer.status) ? "signed_out" : "away";
    if (answer.ok) {
      stops = (await answer.json()).data;
      seen = Date.now() + ahead;
      localStorage.setItem(KNOWN, JSON.stringify({ seen: new Date().toISOString(), stops }));
      if (choices().some((one) => one.state === "waiting") && !sending && tries > 3) deliver();
    }
  } catch {
    // The list stays as it was, and the page says of when it is.
    link = "away";
  }
  show();
}

function duration(seconds) {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1) return words.seconds.replace("{s}", Math.round(seconds));
  if (minutes < 60) return words.minutes.replace("{m}", minutes);
  return words.hours.replace("{h}", Math.floor(minutes / 60)).replace("{m}", String(minutes % 60).padStart(2, "0"));
}

function when(stop) {
  const start = new Date(stop.start);
  const today = day.format(new Date(Date.now() + ahead));
  const date = day.format(start) === today ? "" : ` · ${day.format(start)}`;
  return `${clock.format(start)} – ${stop.end ? clock.format(new Date(stop.end)) : "…"}${date}`;
}

function nameOf(code) {
  const reason = byCode.get(code);
  return reason ? reason[`name_${content.language}`] : code;
}

// What a stop's card says: the choice made here, as long as the server has not said something else.
function told(stop) {
  const mine = choices().filter((one) => one.place === place && covers(stop, one.stop_start));
  const last = mine[mine.length - 1];
  if (last && last.state !== "refused") return { code: last.reason, state: last.state };
  return { code: stop.stop_reason, state: last ? "refused" : null };
}

function covers(stop, moment) {
  const at = Date.parse(moment);
  return at >= Date.parse(stop.start) && (!stop.end || at < Date.parse(stop.end));
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${content.icons}#${name}`);
  svg.append(use);
  return svg;
}

function kindOf(stop) {
  return stop.element === "down" ? "down" : (stop.stop_kind ?? "stopped");
}

// One card per stop for as long as it is listed: one drawn anew under a finger takes no tap.
const cards = new Map();

function cardOf(stop) {
  const made = cards.get(stop.start) ?? newCard();
  cards.set(stop.start, made);
  fill(made, stop);
  return made.item;
}

function newCard() {
  const made = {
    item: element("li"),
    button: element("button"),
    when: element("span", "stop-when"),
    length: element("span", "stop-length"),
    reason: element("span", "stop-reason"),
    mark: element("span"),
    icon: null,
    stop: null,
  };
  made.button.type = "button";
  const time = element("span");
  time.append(made.when, made.length);
  made.button.append(time, made.reason, made.mark);
  made.button.addEventListener("click", () => pick(made.stop));
  made.item.append(made.button);
  return made;
}

function fill(made, stop) {
  const { code, state } = told(stop);
  const kind = kindOf(stop);
  if (!made.stop || kindOf(made.stop) !== kind) {
    made.icon?.remove();
    made.icon = icon(kind);
    made.button.prepend(made.icon);
    made.button.className = `stop-button state-${kind}`;
  }
  made.stop = stop;
  made.button.dataset.start = stop.start;
  made.button.toggleAttribute("data-unassigned", !code && kind !== "down");
  made.button.toggleAttribute("data-open", !stop.end);
  made.when.textContent = when(stop);
  made.length.textContent = `${duration(stop.duration_s)} · ${kinds[kind]}`;
  made.reason.textContent = code ? nameOf(code) : kind === "down" ? content.no_order : words.unassigned;
  made.mark.className = !state && !stop.end ? "mark open" : "sent-state";
  made.mark.dataset.state = state ?? "";
  made.mark.textContent = state ? words[state] : stop.end ? "" : words.open;
}

// Moves a card only where the order has changed.
function arrange(list) {
  const box = document.getElementById("stops");
  const items = list.map(cardOf);
  items.forEach((item, index) => {
    if (box.children[index] !== item) box.insertBefore(item, box.children[index] ?? null);
  });
  while (box.children.length > items.length) box.lastElementChild.remove();
  const listed = new Set(list.map((stop) => stop.start));
  for (const start of cards.keys()) if (!listed.has(start)) cards.delete(start);
}

function pick(stop) {
  picked = stop;
  window.scrollTo(0, 0);
  show();
  rest("choice", document.getElementById("choice-title"));
}

// A part of the page that has just appeared rests for a moment; the keyboard goes on from there.
function rest(part, focused) {
  const section = document.getElementById(part);
  section.inert = true;
  setTimeout(() => {
    section.inert = false;
    focused.focus({ preventScroll: true });
  }, BOUNCE_MS);
}

// Without a reason first; among them the open one, then the longest, then the newest.
function rank(stop) {
  return told(stop).code ? 2 : kindOf(stop) === "down" ? 1 : 0;
}

// A short stop that nobody has said anything of is out of the way until somebody asks for it.
const isShort = (stop) => Boolean(stop.minor && stop.end && rank(stop) === 0);

function ordered() {
  return [...stops].sort(
    (one, other) =>
      rank(one) - rank(other) ||
      Number(Boolean(one.end)) - Number(Boolean(other.end)) ||
      (rank(one) === 0 && Math.round(other.duration_s / 60) - Math.round(one.duration_s / 60)) ||
      Date.parse(other.start) - Date.parse(one.start),
  );
}

function reasonButton(reason, general) {
  const name = reason[`name_${content.language}`];
  const button = element("button", general ? "reason general" : "reason", general ? `${name} – ${words.general}` : name);
  button.type = "button";
  button.dataset.reason = reason.code;
  button.setAttribute("aria-pressed", String(told(picked).code === reason.code));
  button.addEventListener("click", () => choose(picked, reason.code));
  return button;
}

function group(title, members, className = "") {
  const box = element("section", `reason-group ${className}`);
  const grid = element("div", "reason-grid");
  grid.append(...members);
  box.append(element("h2", "", title), grid);
  return box;
}

function drawReasons() {
  document.getElementById("find").value = "";
  const roots = reasons.filter((reason) => !byCode.has(reason.parent));
  const childrenOf = (code) => reasons.filter((reason) => reason.parent === code);
  const below = (code) => childrenOf(code).flatMap((one) => [one, ...below(one.code)]);
  const used = (root) => below(root.code).reduce((sum, one) => sum + one.used, root.used);
  const parents = roots.filter((root) => childrenOf(root.code).length);
  const singles = roots.filter((root) => !childrenOf(root.code).length);
  const boxes = parents
    .sort((one, other) => used(other) - used(one))
    .map((root) =>
      group(root[`name_${content.language}`], [
        ...below(root.code).map((reason) => reasonButton(reason, false)),
        reasonButton(root, true),
      ]),
    );
  if (singles.length) {
    boxes.push(group(words.other, singles.map((reason) => reasonButton(reason, false)), parents.length ? "" : "singles"));
  }
  document.getElementById("reasons").replaceChildren(...boxes);
}

let drawn = "";
let shortShown = false;
let { present } = content;
let presentKind = "";
const parts = new Intl.NumberFormat(content.language === "vi" ? "vi-VN" : "en-GB", { maximumFractionDigits: 1 });

function showPresent() {
  const kind = present.category;
  const box = document.getElementById("present");
  if (presentKind !== kind) {
    box.className = `present state state-${kind.replaceAll("_", "-")}`;
    document.getElementById("present-icon").replaceChildren(icon(content.state_icons[kind]));
    presentKind = kind;
  }
  for (const name of ["label", "since", "detail"]) document.getElementById(`present-${name}`).textContent = present[name];
  for (const name of ["produced", "good", "scrap"]) {
    document.getElementById(`present-${name}`).textContent = present[name] === null ? "—" : parts.format(present[name]);
  }
}

async function refreshPresent() {
  try {
    const query = new URLSearchParams({ place, lang: content.language });
    const answer = await fetch(`/api/v1/operator/now?${query}`, { headers: { "X-Refresh": "1" }, signal: AbortSignal.timeout(10000) });
    if (answer.ok) present = await answer.json();
  } catch {
    // What was seen last stays; the page says of when it is.
  }
}

// Scrap and orders are said while the network is there, and the page says what became of it.
function enter(form, path, body, said) {
  document.getElementById(form)?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const told = document.getElementById("entered");
    const button = event.target.querySelector("button");
    button.disabled = true;
    try {
      const values = body();
      // A second try after a lost answer is the same entry.
      event.target.dataset.id ||= newId();
      const answer = await fetch(`/api/v1/operator/${path}`, {
        method: "POST", headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ client_id: event.target.dataset.id, place, ...values }), signal: AbortSignal.timeout(15000),
      });
      const problem = answer.ok ? {} : await answer.json().catch(() => ({}));
      told.dataset.state = answer.ok ? "sent" : "refused";
      told.textContent = answer.ok ? said(values) : words.not_entered.replace("{reason}", problem.errors?.[0]?.message ?? problem.detail ?? answer.status);
      if (answer.ok || answer.status < 500) delete event.target.dataset.id;
      if (answer.ok) event.target.reset();
    } catch {
      told.dataset.state = "refused";
      told.textContent = words.not_reached;
    } finally {
      button.disabled = false;
    }
    await refreshPresent();
    show();
  });
}

function show() {
  const waiting = choices().filter((one) => one.state === "waiting").length;
  const outbox = document.getElementById("outbox");
  outbox.dataset.state = waiting ? "waiting" : "sent";
  document.getElementById("outbox-words").textContent = waiting
    ? words.waiting_count.replace("{count}", waiting)
    : words.all_sent;
  document.getElementById("link").hidden = !link;
  document.getElementById("sign-in").hidden = link !== "signed_out";
  if (link) {
    document.getElementById("link-words").textContent = words[link].replace("{time}", clock.format(new Date(seen)));
  }
  document.getElementById("list").hidden = picked !== null;
  document.getElementById("choice").hidden = picked === null;
  if (picked) {
    document.getElementById("choice-stop").textContent = `${when(picked)} · ${duration(picked.duration_s)} · ${kinds[kindOf(picked)]}`;
    // A button that is drawn anew under a finger takes no tap.
    if (drawn !== `choice ${picked.start}`) drawReasons();
    drawn = `choice ${picked.start}`;
    return;
  }
  const all = ordered();
  const list = all.filter((stop) => shortShown || !isShort(stop));
  drawn = "list";
  arrange(list);
  const hidden = all.filter(isShort).length;
  const short = document.getElementById("short");
  short.hidden = hidden === 0;
  short.setAttribute("aria-expanded", String(shortShown));
  short.textContent = (shortShown ? words.hide_short : words.show_short).replace("{count}", hidden);
  showPresent();
  document.getElementById("empty").hidden = list.length > 0;
  const open = all.filter((stop) => rank(stop) === 0 && !isShort(stop)).length;
  document.getElementById("list-hint").textContent = open
    ? words.to_do.replace("{count}", open)
    : words.done;
}

enter("scrap", "scrap", () => ({ quantity: Number(document.getElementById("scrap-quantity").value) }),
  ({ quantity }) => words.scrap_booked.replace("{count}", parts.format(quantity)));
enter("order", "order", () => ({ order: document.getElementById("order-number").value }),
  ({ order }) => words.order_begun.replace("{order}", order));
document.getElementById("short").addEventListener("click", () => {
  shortShown = !shortShown;
  show();
});
document.getElementById("back").addEventListener("click", () => leave(picked));
window.addEventListener("online", () => {
  tries = 0;
  deliver();
  refresh();
});
window.addEventListener("storage", show);
setInterval(refresh, POLL_MS);
show();
deliver();
refresh();

if ("serviceWorker" in navigator) {
  // The page and its files are stored now: the worker sees only what is fetched after it.
  const files = [...document.querySelectorAll("link[rel=stylesheet]")].map((one) => one.href);
  const scripts = [...document.querySelectorAll("script[src]")].map((one) => one.src);
  navigator.serviceWorker
    .register("/operator/worker.js", { scope: "/operator/" })
    .then(() => caches.open("operator-1"))
    .then((cache) => cache.addAll([location.href, content.icons, ...files, ...scripts]))
    .catch(() => {
      // Without a network or in a private window the page still works, only not after a reload.
    });
}
