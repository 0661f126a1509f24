// Judgements of counters and bounds of stops, and what people say of them. Every word has an id of
// its own, so sending it twice is harmless; the figures follow, and the lists with them.
"use strict";

const content = JSON.parse(document.getElementById("content").textContent);
const { place, words, names } = content;
const POLL_MS = 4000;
const byId = (id) => document.getElementById(id);
const locale = content.language === "vi" ? "vi-VN" : "en-GB";
const clock = new Intl.DateTimeFormat(locale, {
  timeZone: content.zone, day: "2-digit", month: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
const number = new Intl.NumberFormat(locale, { maximumFractionDigits: 3 });
const at = (moment) => clock.format(new Date(moment));
const say = (key) => words[`correction.${key}`] ?? key;
let shown = "";
let judged = null;
let stood = null;

function cells(...texts) {
  const row = document.createElement("tr");
  for (const text of texts) {
    const cell = document.createElement("td");
    cell.append(text);
    row.append(cell);
  }
  return row;
}

function button(label, action) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.addEventListener("click", action);
  return made;
}

function trouble(text) {
  byId("trouble").textContent = text;
  byId("trouble").hidden = !text;
}

function newId() {
  // `crypto.randomUUID` is for encrypted pages only; a plant's network often has none.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

async function list(path, query = {}) {
  const { start, end } = content;
  const answer = await fetch(`/api/v1/${path}?${new URLSearchParams({ place, start, end, limit: "1000", ...query })}`);
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).detail ?? String(answer.status));
  return (await answer.json()).data;
}

async function send(path, said) {
  trouble("");
  try {
    const answer = await fetch(`/api/v1/${path}`, {
      method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ client_id: newId(), role: "engineer", ...said }),
    });
    if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).detail ?? say("failed"));
    trouble(say("kept"));
    await refresh();
    return true;
  } catch (problem) {
    trouble(problem.message || say("failed"));
    return false;
  }
}

const saidOf = (one) => (one.verdict && one.verdict !== "rules" ? `${say(`verdict_${one.verdict}`)}${one.comment ? ` · ${one.comment}` : ""}` : "–");

function drawJudgements(rows) {
  byId("no-judgements").hidden = rows.length > 0;
  byId("judgements").replaceChildren(...rows.map((one) => {
    const what = `${names[one.place] ?? one.place} · ${one.tag}`;
    const act = content.may_judge ? button(say("correct"), () => judge(one, what)) : "";
    return cells(at(one.moment), what, number.format(one.level), number.format(one.shown),
      say(`event_${one.judgement}`), number.format(one.counted), one.doubt ? `± ${number.format(one.doubt)}` : "–", saidOf(one), act);
  }));
}

function drawStops(rows) {
  byId("no-stops").hidden = rows.length > 0;
  byId("stops").replaceChildren(...rows.map((one) => {
    const acts = document.createElement("span");
    if (content.may_divide) {
      acts.append(button(say("split_here"), () => divide(one)), " ", button(say("merge"), () => send("stops/divisions", { place, moment: one.start, kind: "merge" })));
    }
    const kind = one.element === "down" ? words["state.down"] : words[`state.${one.stop_kind ?? "stopped"}`];
    return cells(at(one.start), one.end ? at(one.end) : say("lasts"), `${number.format(one.duration_s / 60)} min`, kind, one.stop_reason || words["reason.unassigned"], acts);
  }));
}

function drawHistory(rows) {
  byId("no-history").hidden = rows.length > 0;
  byId("history").replaceChildren(...rows.map((one) => cells(at(one.said_at), say(`role_${one.said_by}`),
    one.tag ?? `${say("stop_of")} ${names[one.place] ?? one.place}`, at(one.moment),
    `${say(one.tag ? `verdict_${one.correction}` : `division_${one.correction}`)}${one.comment ? ` · ${one.comment}` : ""}`)));
}

function judge(one, what) {
  judged = one;
  byId("verdict-title").textContent = `${what} · ${at(one.moment)}: ${number.format(one.level)} → ${number.format(one.shown)}`;
  byId("comment").value = "";
  byId("verdict").hidden = false;
  byId("verdict-title").focus();
}

function divide(one) {
  stood = one;
  byId("division-title").textContent = `${at(one.start)} – ${one.end ? at(one.end) : say("lasts")}`;
  byId("after").value = Math.round(one.duration_s / 120);
  tellMoment();
  byId("division").hidden = false;
  byId("division-title").focus();
}

const dividedAt = () => new Date(Date.parse(stood.start) + Number(byId("after").value) * 60000);

function tellMoment() {
  byId("division-at").textContent = `→ ${at(dividedAt())}`;
}

async function refresh() {
  try {
    const [judgements, history, stops] = await Promise.all([
      list("counters/judgements"), list("corrections"), content.machine ? list("stops") : [],
    ]);
    const now = JSON.stringify([judgements, history, stops]);
    // What has not changed is left alone: somebody may be about to press its button.
    if (now === shown) return;
    shown = now;
    drawJudgements(judgements);
    drawHistory(history);
    if (content.machine) drawStops(stops);
  } catch (problem) {
    trouble(problem.message || say("failed"));
  }
}

byId("verdict-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const verdict = event.submitter?.value || "ignore";
  const { place: where, tag, moment } = judged;
  if (await send("counters/verdicts", { place: where, tag, moment, verdict, comment: byId("comment").value })) byId("verdict").hidden = true;
});
byId("verdict-close").addEventListener("click", () => { byId("verdict").hidden = true; });
if (content.machine) {
  byId("after").addEventListener("input", tellMoment);
  byId("division-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await send("stops/divisions", { place, moment: dividedAt().toISOString(), kind: "split" })) byId("division").hidden = true;
  });
  byId("division-close").addEventListener("click", () => { byId("division").hidden = true; });
}
refresh();
setInterval(refresh, POLL_MS);
