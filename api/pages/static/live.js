// Keeps a page up to date: takes changed regions and charts from /events and puts them in place.
"use strict";

// Changes only what differs, so that focus, open tables and screen readers stay where they are.
function morph(current, wanted) {
  const old = [...current.childNodes];
  const next = [...wanted.childNodes];
  next.forEach((node, index) => {
    const before = old[index];
    if (!before) {
      current.append(node);
    } else if (before.nodeName !== node.nodeName) {
      before.replaceWith(node);
    } else if (node.nodeType === Node.ELEMENT_NODE) {
      for (const { name } of [...before.attributes]) {
        if (!node.hasAttribute(name) && name !== "open") before.removeAttribute(name);
      }
      for (const { name, value } of node.attributes) {
        if (before.getAttribute(name) !== value) before.setAttribute(name, value);
      }
      morph(before, node);
    } else if (before.nodeValue !== node.nodeValue) {
      before.nodeValue = node.nodeValue;
    }
  });
  old.slice(next.length).forEach((node) => node.remove());
}

const live = document.getElementById("live");
const disconnected = document.getElementById("disconnected");
// What the page shows is of this moment; the server says so at least this often while all is well.
const SILENCE_MS = Number(document.body.dataset.silenceS) * 1000;
let heard = new Date();
let silence = 0;
let source = null;

function apply(change) {
  for (const [name, html] of Object.entries(change.regions)) {
    const region = document.querySelector(`[data-region="${CSS.escape(name)}"]`);
    if (!region) {
      // The page was served in trouble and has no place for what is there now.
      location.reload();
      return;
    }
    const wanted = document.createElement("template");
    wanted.innerHTML = html;
    morph(region, wanted.content);
  }
  for (const [name, figure] of Object.entries(change.charts)) {
    charts[name] = figure;
    draw(name);
  }
}

function connected(yes) {
  if (!yes && disconnected.hidden) disconnected.textContent = disconnected.dataset.words.replace("{time}", clock(heard));
  disconnected.hidden = yes;
  live.classList.toggle("broken", !yes);
  if (yes) document.getElementById("live-words").textContent = live.dataset.connected;
}

// A network may swallow a connection in silence: then no error ever comes, only nothing at all.
function hear(yes) {
  clearTimeout(silence);
  silence = setTimeout(() => {
    connected(false);
    listen();
  }, SILENCE_MS);
  if (!yes) return;
  heard = new Date();
  connected(true);
}

function listen() {
  source?.close();
  const events = new EventSource(document.body.dataset.events);
  source = events;
  hear(false);
  events.addEventListener("open", () => hear(true));
  events.addEventListener("beat", () => hear(true));
  // The session has ended: the page for signing in comes in place of this one.
  events.addEventListener("end", () => {
    clearTimeout(silence);
    events.close();
    location.reload();
  });
  events.addEventListener("change", (event) => {
    hear(true);
    apply(JSON.parse(event.data));
  });
  events.addEventListener("error", () => {
    connected(false);
    // A browser gives up for good when the answer is no stream (a proxy's error page).
    if (events.readyState === EventSource.CLOSED) setTimeout(() => events === source && listen(), 3000);
  });
}

live.hidden = false;
listen();
window.addEventListener("offline", () => connected(false));
window.addEventListener("online", listen);
window.addEventListener("pagehide", () => {
  clearTimeout(silence);
  source.close();
});
window.addEventListener("pageshow", (event) => event.persisted && location.reload());
