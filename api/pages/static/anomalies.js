// Events of a place, and of a machine the four steps to a model: one page that asks the API again
// and again. Every word on an event has an id of its own, so sending twice is harmless.
"use strict";

const content = JSON.parse(document.getElementById("content").textContent);
const { place, words, machines } = content;
const POLL_MS = 4000;
const STOPS_AROUND_MS = 12 * 3600 * 1000;
const DAYS_BACK = 30;
const byId = (id) => document.getElementById(id);
const locale = content.language === "vi" ? "vi-VN" : "en-GB";
const clock = new Intl.DateTimeFormat(locale, {
  timeZone: content.zone, day: "2-digit", month: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});
const number = new Intl.NumberFormat(locale, { maximumSignificantDigits: 4 });
const percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 });
// A plant replayed has a time of its own.
const ahead = Date.parse(content.now) - Date.now();
const plantNow = () => new Date(Date.now() + ahead);
const names = new Map(machines.map((one) => [one.path, one.name]));
let known = [];
let trials = [];
let models = [];
let shown = null;

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") made.className = value;
    else if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

const say = (key, values = {}) =>
  Object.entries(values).reduce((text, [name, value]) => text.replace(`{${name}}`, value), words[key] ?? key);

const trouble = (text) => {
  byId("trouble").textContent = text;
  byId("trouble").hidden = !text;
};

async function get(path, query = {}) {
  const response = await fetch(`/api/v1/${path}?${new URLSearchParams({ place, ...query })}`);
  if (!response.ok) throw new Error((await response.json().catch(() => ({}))).detail ?? response.status);
  return response.json();
}

async function send(path, body) {
  const response = await fetch(`/api/v1/anomalies/${path}`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const first = answer.errors?.[0];
  throw new Error(first ? `${first.name}: ${first.message}` : answer.detail ?? say("failed"));
}

async function attempt(action) {
  trouble("");
  try {
    return await action();
  } catch (problem) {
    trouble(problem.message || say("failed"));
    return null;
  }
}

function lasted(event) {
  const end = event.end_time ? Date.parse(event.end_time) : plantNow().getTime();
  const minutes = Math.max(Math.round((end - Date.parse(event.start_time)) / 60000), 0);
  return minutes < 120 ? `${minutes} ${say("minutes")}` : `${number.format(minutes / 60)} ${say("hours")}`;
}

function line(event) {
  const first = event.causes[0];
  const what = first?.name ?? event.tag ?? "";
  const arrow = first ? (first.deviation > 0 ? "↑" : "↓") : "";
  const button = element("button", { type: "button", class: "event" },
    element("strong", {}, say(`kind_${event.kind}`)), ` ${what} ${arrow}`,
    element("span", { class: "since" }, `${clock.format(new Date(event.start_time))} · ${lasted(event)}`),
    ...(content.machine ? [] : [element("span", { class: "since" }, names.get(event.place) ?? event.place)]),
    ...(event.end_time ? [] : [element("span", { class: "mark" }, say("lasts"))]),
    ...(event.verdict ? [element("span", { class: "mark final" }, say(`verdict_${event.verdict}`))] : []),
  );
  button.addEventListener("click", () => open(event.event_id, event.place));
  return element("li", { class: `kind-${event.kind}` }, button);
}

function chart(series, cause, event) {
  const WIDE = 420, HIGH = 90, values = series.values;
  const svgElement = (name, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const svg = svgElement("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, class: "small-chart", role: "img" });
  const title = svgElement("title", {});
  title.textContent = series.tag;
  svg.append(title);
  if (values.length < 2) return svg;
  const normal = cause ? [cause.expected] : [];
  const low = Math.min(...values, ...normal), high = Math.max(...values, ...normal);
  const times = series.times.map(Date.parse);
  const x = (time) => ((time - times[0]) / Math.max(times.at(-1) - times[0], 1)) * WIDE;
  const y = (value) => HIGH - 6 - ((value - low) / Math.max(high - low, 1e-12)) * (HIGH - 12);
  const start = Math.max(x(Date.parse(event.start_time)), 0);
  const end = Math.min(x(event.end_time ? Date.parse(event.end_time) : times.at(-1)), WIDE);
  svg.append(
    svgElement("rect", { x: start, y: 0, width: Math.max(end - start, 2), height: HIGH, class: "span" }),
    ...normal.map((value) => svgElement("line", { x1: 0, x2: WIDE, y1: y(value), y2: y(value), class: "expected" })),
    svgElement("polyline", { points: values.map((value, n) => `${x(times[n]).toFixed(1)},${y(value).toFixed(1)}`).join(" ") }),
  );
  return svg;
}

async function open(id, path) {
  const answer = await attempt(() => get("anomalies/event", { place: path, event: id }));
  if (!answer) return;
  const { event, series } = answer;
  shown = event;
  byId("detail").hidden = false;
  const machine = names.get(event.place) ?? event.place;
  byId("detail-title").textContent = `${say(`kind_${event.kind}`)} · ${machine}`;
  const { product, order, shift, state } = event.context;
  const facts = [["product", product], ["order", order], ["shift", shift], ["state", state]];
  byId("detail-context").textContent = [
    `${clock.format(new Date(event.start_time))} – ${event.end_time ? clock.format(new Date(event.end_time)) : say("lasts")}`,
    ...facts.filter(([, value]) => value).map(([name, value]) => `${say(name)}: ${value}`),
    event.final ? say("final") : say("not_final"),
    ...(event.relearned ? [say("relearned")] : []),
    ...remaining(event.context),
    ...wrongClock(event.context),
    ...wandered(event),
  ].join(" · ");
  // What a rule tells of one signal has a chart and no share.
  const bare = event.causes.length ? [] : series;
  byId("detail-causes").replaceChildren(...bare.map((one) =>
    element("figure", {}, element("figcaption", {}, element("strong", {}, one.tag)), chart(one, null, event))),
  ...event.causes.map((cause, n) =>
    element("figure", {},
      element("figcaption", {},
        element("strong", {}, [cause.name ?? "", cause.feature ? say(`feature_${cause.feature}`) : ""].filter(Boolean).join(" · ")),
        event.kind === "wander"
          ? ` ${say("step_now")} ${measured(cause.actual, cause)}, ${say("step_approved")} ${measured(cause.expected, cause)}`
          : ` ${percent.format(cause.share)} · ${cause.deviation > 0 ? "↑" : "↓"} ${say("actual")} ${measured(cause.actual, cause)}, ${say("expected")} ${measured(cause.expected, cause)}`),
      // A step is no level: there is no line of it.
      chart(series[n], event.kind === "wander" ? null : cause, event))));
  byId("wandered").hidden = !(event.kind === "wander" && !event.end_time && content.may_model);
  told();
  byId("judge").hidden = !content.may_judge;
  byId("cause").value = event.cause ?? "";
  await stops(event);
  byId("detail-title").focus();
}

const measured = (value, { unit }) => (unit ? `${number.format(value)} ${unit}` : number.format(value));

// Hours that wear leaves, with the interval that nine of ten end in.
function remaining({ remaining_h: left, earliest_h: earliest, latest_h: latest }) {
  if (left === undefined) return [];
  const hours = (value) => (value === null ? say("not_foreseen") : `${number.format(value)} ${say("hours")}`);
  return [left === null && earliest === null
    ? say("no_failure_foreseen")
    : say("remaining", { left: hours(left), earliest: hours(earliest), latest: hours(latest) })];
}

function wandered({ kind, causes, context }) {
  if (kind !== "wander") return [];
  return [say("wandered", { factor: number.format(causes[0]?.deviation ?? 0), bound: number.format(context.bound) })];
}

function wrongClock({ clock: fault, offset_s: offset, edge }) {
  if (fault === undefined) return [];
  return [say(`clock_${fault}`, { seconds: number.format(Math.abs(offset ?? 0)), edge: edge ?? "", side: say(offset > 0 ? "clock_ahead" : "clock_behind") })];
}

function told() {
  const said = byId("detail-said");
  said.hidden = !shown.verdict;
  if (shown.verdict) {
    said.textContent = [
      say(`verdict_${shown.verdict}`), shown.cause ?? "", shown.said_by ? say(`role_${shown.said_by}`) : "",
      shown.snoozed_until ? clock.format(new Date(shown.snoozed_until)) : "",
    ].filter(Boolean).join(" · ");
  }
  document.querySelector("[data-verdict=reopened]").hidden = !shown.verdict;
}

async function stops(event) {
  const from = new Date(Date.parse(event.start_time) - 600000);
  const to = new Date(Math.min(from.getTime() + STOPS_AROUND_MS, plantNow().getTime()));
  const kept = byId("stop").firstElementChild;
  try {
    const { data } = await get("stops", { place: event.place, start: from.toISOString(), end: to.toISOString() });
    byId("stop").replaceChildren(kept, ...data.slice(0, 40).map((stop) => element("option", { value: stop.start },
      `${clock.format(new Date(stop.start))} · ${Math.round(stop.duration_s / 60)} ${say("minutes")}${stop.stop_reason ? ` · ${stop.stop_reason}` : ""}`)));
  } catch {
    byId("stop").replaceChildren(kept);
  }
  if (event.stop_start) byId("stop").value = event.stop_start;
}

async function judge(verdict, more = {}) {
  const id = shown.event_id;
  const done = await attempt(() => send("remarks", {
    client_id: crypto.randomUUID?.() ?? uuid(), place: shown.place, event: id, verdict, ...more,
  }));
  if (!done) return;
  const fresh = await attempt(() => get("anomalies/event", { place: shown.place, event: id }));
  if (fresh) shown = fresh.event;
  told();
  await refresh();
}

// Only secure contexts have randomUUID; a plant's own network may speak plain HTTP.
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

async function refresh() {
  const since = new Date(plantNow().getTime() - DAYS_BACK * 86400000).toISOString();
  const query = { start: since, end: plantNow().toISOString(), open_only: String(byId("open-only").checked) };
  known = (await get("anomalies/events", query)).data;
  byId("events").replaceChildren(...known.map(line));
  byId("no-events").hidden = known.length > 0;
  const { data } = await get("anomalies/precision");
  byId("trust").replaceChildren(...data.map((one) => element("tr", {},
    ...[names.get(one.place) ?? one.place, one.events, one.confirmed, one.false,
      one.precision === null ? say("not_yet") : percent.format(one.precision),
      one.lead_median_s === null ? say("not_yet") : `${number.format(one.lead_median_s / 60)} ${say("minutes")}`,
    ].map((text) => element("td", {}, String(text))))));
  const flood = await get("anomalies/flood");
  byId("flood").textContent = say("flood", {
    alarms: flood.alarms, most: flood.most_in_10_min, share: percent.format(flood.flooded_share),
  });
  if (content.machine) {
    await refreshModels();
    await refreshLimits();
  }
}

async function refreshLimits() {
  const { data } = await get("anomalies/limits");
  byId("limits").replaceChildren(...data.map((one) => {
    const shelved = one.shelved_until && Date.parse(one.shelved_until) > plantNow().getTime();
    const button = (change, text) => {
      const made = element("button", { type: "button", class: "tap" }, text);
      made.addEventListener("click", async () => {
        await attempt(() => send("limits/change", { place, limit: one.limit_id, change }));
        await attempt(refreshLimits);
      });
      return made;
    };
    return element("tr", {},
      element("td", {}, one.tag),
      element("td", {}, [`${one.side === "high" ? ">" : "<"} ${number.format(one.value)} ${one.unit}`.trim(),
        ...one.windows.map((window) => `${window.from}–${window.to}`)].join(" · ")),
      element("td", {}, shelved ? say("shelved", { until: clock.format(new Date(one.shelved_until)) }) : say(one.active ? "limit_active" : "limit_quiet")),
      element("td", {}, ...(content.may_model
        ? [shelved ? button("unshelve", say("unshelve")) : button("shelve", say("shelve")), " ", button("remove", say("remove"))] : [])));
  }));
}

async function refreshModels() {
  models = (await get("anomalies/models")).data;
  const prepared = models.find((one) => ["learning", "ready"].includes(one.status));
  const live = models.find((one) => one.status === "live");
  const step = prepared ? (prepared.status === "ready" ? "trial" : "learning") : live ? "live" : "signals";
  for (const one of document.querySelectorAll("#path li")) {
    if (one.dataset.step === step) one.setAttribute("aria-current", "step");
    else one.removeAttribute("aria-current");
  }
  const subject = prepared ?? live;
  byId("learning").value = prepared ? prepared.share_done : live ? 1 : 0;
  byId("learning-words").textContent = subject
    ? say("learning_words", { share: percent.format(subject.share_done), rows: number.format(subject.rows_learned) })
    : say("nothing_prepared");
  byId("missing").replaceChildren(
    ...Object.entries(subject?.missing ?? {}).map(([product, share]) => element("li", {},
      `${product === "-" ? say("any_product") : product}: ${share > 0 ? say("still_missing", { share: percent.format(share) }) : say("learned")}`)),
    ...Object.entries(subject?.left_out ?? {}).map(([tag, why]) => element("li", {}, `${tag}: ${say(`why_${why}`)}`)),
  );
  trials = subject ? (await get("anomalies/events", {
    start: subject.train_to, end: subject.trial_to, trial: "true",
  }).catch(() => ({ data: [] }))).data : [];
  byId("trial-events").replaceChildren(...trials.map(line));
  byId("trial-words").textContent = subject && subject.status !== "learning"
    ? say("trial_words", { events: trials.length, from: clock.format(new Date(subject.train_to)), to: clock.format(new Date(subject.trial_to)),
        rate: subject.false_per_day === null ? say("not_yet") : number.format(subject.false_per_day) })
    : say("trial_why");
  byId("approve").disabled = !(content.may_model && prepared?.status === "ready");
  byId("refuse").disabled = !(content.may_model && prepared);
  byId("approve").dataset.model = byId("refuse").dataset.model = prepared?.model_id ?? "";
  byId("live-words").textContent = live
    ? say("live_words", { until: live.scored_until ? clock.format(new Date(live.scored_until)) : "–", model: live.model_id })
    : say("not_live");
  byId("registry").replaceChildren(...models.map((one) => {
    const back = element("button", { type: "button", class: "tap" }, say("roll_back"));
    back.addEventListener("click", () => decide(one.model_id, "approve"));
    return element("tr", {},
      ...[one.model_id, say(`status_${one.status}`),
        [say(`reason_${one.reason}`), one.because].filter(Boolean).join(" · ") + (one.created_by === "service" ? ` (${say("by_service")})` : ""),
        `${clock.format(new Date(one.train_from))} – ${clock.format(new Date(one.train_to))}`,
        one.approved_by ? `${words[`role_${one.approved_by}`] ?? one.approved_by}, ${clock.format(new Date(one.approved_at))}` : "–",
        one.data_hash ? one.data_hash.slice(0, 12) : "–"].map((text) => element("td", {}, String(text))),
      element("td", {}, ...(one.status === "retired" && content.may_model ? [back] : [])));
  }));
}

async function decide(model, decision) {
  await attempt(() => send("models/decision", { place, model: Number(model), decision }));
  await attempt(refresh);
}

// A field of local time speaks of the plant's zone, whatever the browser's is.
function toField(moment) {
  const parts = new Intl.DateTimeFormat("sv-SE", { timeZone: content.zone, dateStyle: "short", timeStyle: "short" }).format(moment);
  return parts.replace(" ", "T");
}

function fromField(text) {
  const guess = new Date(`${text}Z`);
  const shownAs = new Date(`${toField(guess)}Z`);
  return new Date(guess.getTime() - (shownAs.getTime() - guess.getTime())).toISOString();
}

function cycleBegins(field) {
  if (field.disabled) return null;
  return field.type === "text" ? field.value : Number(field.value);
}

async function suggest() {
  const since = new Date(plantNow().getTime() - DAYS_BACK * 86400000).toISOString();
  const found = await attempt(() => get("anomalies/signals", { start: since, end: plantNow().toISOString() }));
  if (!found) return;
  byId("signals").replaceChildren(...found.signals.map((one) => {
    const box = element("input", { type: "checkbox", checked: one.chosen, value: one.tag });
    box.setAttribute("aria-label", one.tag);
    const span = one.least === null ? "–" : `${number.format(one.least)} … ${number.format(one.most)} ${one.unit}`;
    const why = one.reason ? say(`why_${one.reason}`, { other: one.other ?? "" }) : say("why_chosen");
    return element("tr", { class: one.chosen ? "" : "left" }, element("td", {}, box),
      element("td", {}, one.tag, element("span", { class: "why" }, one.description)),
      element("td", {}, span), element("td", {}, why));
  }));
  // Counters first: of another signal it has to be said which value begins a cycle.
  const counters = found.signals.filter((one) => one.reason === "counter");
  const others = found.signals.filter((one) => !["counter", "silent", "constant"].includes(one.reason));
  byId("cycle").append(...[...counters, ...found.states, ...others].map((one) => element("option", { value: one.tag }, one.tag)));
  const counting = new Set(["", ...counters.map((one) => one.tag)]);
  const begins = () => {
    const state = found.states.find((one) => one.tag === byId("cycle").value);
    byId("cycle-begins").type = state ? "text" : "number";
    byId("cycle-values").replaceChildren(...(state?.values ?? []).map((value) => element("option", { value })));
    byId("cycle-begins").disabled = counting.has(byId("cycle").value);
    byId("cycle-begins").required = !byId("cycle-begins").disabled;
  };
  byId("cycle").addEventListener("change", begins);
  begins();
  byId("limit-tag").append(...found.signals.filter((one) => one.reason !== "counter").map((one) =>
    element("option", { value: one.tag }, one.unit ? `${one.tag} (${one.unit})` : one.tag)));
  byId("step").value = String(found.step_s);
  if (found.first_time === null) return;
  const first = Date.parse(found.first_time), last = Date.parse(found.last_time);
  byId("train-from").value = toField(new Date(first));
  byId("train-to").value = toField(new Date((first + last) / 2));
  byId("trial-to").value = toField(new Date(last));
}

byId("open-only").addEventListener("change", () => attempt(refresh));
byId("detail-close").addEventListener("click", () => {
  byId("detail").hidden = true;
  history.replaceState(null, "", location.pathname + location.search);
});
for (const button of document.querySelectorAll("[data-verdict]")) {
  button.addEventListener("click", () =>
    judge(button.dataset.verdict, button.dataset.verdict === "snoozed" ? { snooze_minutes: 60 } : {}));
}
for (const button of document.querySelectorAll("[data-decision]")) {
  button.addEventListener("click", async () => {
    const asked = { place: shown.place, model: shown.model_id, decision: button.dataset.decision };
    const done = await attempt(() => send("models/decision", asked));
    if (!done) return;
    byId("wandered").hidden = true;
    byId("detail-said").textContent = say(`decided_${button.dataset.decision}`);
    byId("detail-said").hidden = false;
    await attempt(refresh);
  });
}
byId("judge").addEventListener("submit", (event) => {
  event.preventDefault();
  judge("confirmed", { cause: byId("cause").value, stop_start: byId("stop").value || null });
});
if (content.machine) {
  byId("propose").addEventListener("submit", async (event) => {
    event.preventDefault();
    const signals = [...document.querySelectorAll("#signals input:checked")].map((box) => box.value);
    const done = await attempt(() => send("models", {
      place, signals, reason: byId("reason").value, step_s: Number(byId("step").value),
      train_from: fromField(byId("train-from").value), train_to: fromField(byId("train-to").value),
      trial_to: fromField(byId("trial-to").value), learn_rows: Number(byId("learn-rows").value),
      alarm: Number(byId("alarm").value), cycle: byId("cycle").value || null,
      cycle_begins: cycleBegins(byId("cycle-begins")),
    }));
    if (done) await attempt(refresh);
  });
  byId("add-limit").addEventListener("submit", async (event) => {
    event.preventDefault();
    const done = await attempt(() => send("limits", {
      place, tag: byId("limit-tag").value, side: byId("limit-side").value,
      value: Number(byId("limit-value").value), deadband: Number(byId("limit-deadband").value),
      on_delay_s: Number(byId("limit-delay").value), off_delay_s: Number(byId("limit-delay").value),
      priority: byId("limit-priority").value,
      windows: byId("limit-windows").value.split(",").filter((one) => one.trim()).map((one) => {
        const [from, to] = one.split(/[-–]/).map((time) => time.trim());
        return { from, to };
      }),
    }));
    if (done) await attempt(refreshLimits);
  });
  for (const button of document.querySelectorAll("#propose button, #add-limit button")) button.disabled = !content.may_model;
  byId("approve").addEventListener("click", () => decide(byId("approve").dataset.model, "approve"));
  byId("refuse").addEventListener("click", () => decide(byId("refuse").dataset.model, "refuse"));
  suggest();
}

async function refreshChannels() {
  const { data } = await get("anomalies/channels");
  byId("no-channels").hidden = data.length > 0;
  byId("channels").replaceChildren(...data.map((one) => {
    const remove = element("button", { type: "button", class: "tap" }, say("remove"));
    remove.addEventListener("click", async () => {
      await attempt(() => send("channels/removal", { place, channel: one.channel_id }));
      await attempt(refreshChannels);
    });
    const when = [
      one.escalate_after_s === null ? say("told_at_once") : say("told_after", { minutes: number.format(one.escalate_after_s / 60) }),
      ...(one.least_severity > 0 ? [say("told_from", { severity: number.format(one.least_severity) })] : []),
      ...(one.quiet_from === null ? [] : [say("told_quiet", { from: one.quiet_from.slice(0, 5), to: one.quiet_to.slice(0, 5) })]),
      ...(one.repeat_after_s > 0 ? [say("told_repeat", { minutes: number.format(one.repeat_after_s / 60) })] : []),
    ];
    return element("tr", {},
      element("td", {}, element("strong", {}, say(`way_${one.kind}`)), ` ${one.target}`),
      element("td", {}, when.join("; ")), element("td", {}, remove));
  }));
}

if (byId("add-channel")) {
  const kind = byId("channel-kind");
  const target = byId("channel-target");
  const chosen = () => {
    byId("channel-secret-field").hidden = kind.value !== "webhook";
    target.placeholder = say(`target_${kind.value}`);
    target.type = kind.value === "email" ? "email" : "text";
  };
  kind.addEventListener("change", chosen);
  chosen();
  const quiet = [byId("channel-quiet-from"), byId("channel-quiet-to")];
  for (const one of quiet) one.addEventListener("input", () => {
    for (const other of quiet) other.required = quiet.some((field) => field.value);
  });
  byId("add-channel").addEventListener("submit", async (event) => {
    event.preventDefault();
    const escalate = Number(byId("channel-escalate").value);
    const done = await attempt(() => send("channels", {
      place, kind: kind.value, target: target.value.trim(),
      secret: kind.value === "webhook" ? byId("channel-secret").value : "",
      least_severity: Number(byId("channel-least").value), repeat_after_s: Number(byId("channel-repeat").value) * 60,
      escalate_after_s: escalate > 0 ? escalate * 60 : null,
      quiet_from: quiet[0].value || null, quiet_to: quiet[1].value || null,
    }));
    if (!done) return;
    event.target.reset();
    chosen();
    await attempt(refreshChannels);
  });
  attempt(refreshChannels);
}

function openNamed() {
  const id = decodeURIComponent(location.hash.slice(1));
  if (id && !byId(id) && shown?.event_id !== id) open(id, place);
}
addEventListener("hashchange", openNamed);
openNamed();

async function poll() {
  try {
    await refresh();
    if (byId("trouble").dataset.away) {
      trouble("");
      delete byId("trouble").dataset.away;
    }
  } catch {
    trouble(say("away"));
    byId("trouble").dataset.away = "yes";
  }
  setTimeout(poll, POLL_MS);
}
poll();
