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
  document.getElementById("disconnected").hidden = yes;
  document.getElementById("live").classList.toggle("broken", !yes);
}

function listen() {
  const events = new EventSource(document.body.dataset.events);
  events.addEventListener("open", () => connected(true));
  events.addEventListener("change", (event) => apply(JSON.parse(event.data)));
  events.addEventListener("error", () => {
    connected(false);
    // A browser gives up for good when the answer is no stream (a proxy's error page).
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
  });
  window.addEventListener("pagehide", () => events.close(), { once: true });
}

listen();
window.addEventListener("pageshow", (event) => event.persisted && location.reload());
