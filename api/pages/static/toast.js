// Tells of a new anomaly wherever somebody is: once, with a way to it.
"use strict";

(() => {
  const { toastPlace, toastWords, toastLook, toastClose, toastKinds } = document.body.dataset;
  if (toastWords === undefined) return;
  const EVERY_MS = 5000;
  const MOST = 3;
  const SEEN = "nhipmay.toasts", WAITING = "nhipmay.toasts.waiting";
  const kinds = Object.fromEntries(toastKinds.split(";").map((pair) => pair.trim().split("=")));
  const shelf = document.createElement("div");
  shelf.className = "toasts";
  shelf.setAttribute("role", "status");
  document.body.append(shelf);
  // A page that is left takes its toasts along: what nobody looked at or closed comes up on the next.
  const remembered = (key) => new Set(JSON.parse(sessionStorage.getItem(key) ?? "[]"));
  const seen = remembered(SEEN);
  const waiting = remembered(WAITING);
  const shown = new Map();

  function remember() {
    sessionStorage.setItem(SEEN, JSON.stringify([...seen].slice(-500)));
    sessionStorage.setItem(WAITING, JSON.stringify([...waiting].slice(-20)));
  }

  function away(id) {
    shown.get(id)?.remove();
    shown.delete(id);
    waiting.delete(id);
    remember();
  }

  function show(event) {
    const toast = document.createElement("div");
    toast.className = "toast";
    const words = document.createElement("p");
    const name = event.place.split("/").at(-1);
    const what = event.causes[0]?.name ?? event.tag ?? "";
    words.textContent = toastWords
      .replace("{machine}", name).replace("{kind}", kinds[event.kind] ?? event.kind).replace("{what}", what);
    const look = document.createElement("a");
    look.href = `/anomalies/${event.place}#${event.event_id}`;
    look.textContent = toastLook;
    look.addEventListener("click", () => away(event.event_id));
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "×";
    close.setAttribute("aria-label", toastClose);
    close.addEventListener("click", () => away(event.event_id));
    toast.append(words, look, close);
    shelf.append(toast);
    shown.set(event.event_id, toast);
  }

  async function ask() {
    try {
      const places = toastPlace ? [toastPlace] : JSON.parse(document.body.dataset.toastPlaces ?? "[]");
      const open = new Map();
      for (const place of places) {
        const query = new URLSearchParams({ place, open_only: "true", limit: "20" });
        const response = await fetch(`/api/v1/anomalies/events?${query}`);
        if (!response.ok) throw new Error(response.status);
        for (const one of (await response.json()).data) if (one.verdict === null) open.set(one.event_id, one);
      }
      const fresh = [...open.keys()].filter((id) => !seen.has(id));
      for (const id of fresh) seen.add(id);
      for (const id of fresh.slice(0, MOST)) waiting.add(id);
      const looked = decodeURIComponent(location.hash.slice(1));
      // Also what was judged meanwhile, here or by somebody else.
      for (const id of [looked, ...shown.keys()]) if (id === looked || !open.has(id)) away(id);
      for (const id of [...waiting].reverse()) if (open.has(id) && !shown.has(id)) show(open.get(id));
      remember();
    } catch {
      // The link is away; the page says so itself.
    }
    setTimeout(ask, EVERY_MS);
  }
  ask();
})();
