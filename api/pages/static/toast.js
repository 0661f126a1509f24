// Tells of a new anomaly wherever somebody is: once, with a way to it.
"use strict";

(() => {
  const { toastPlace, toastWords, toastLook, toastClose, toastKinds } = document.body.dataset;
  if (toastWords === undefined) return;
  const EVERY_MS = 5000;
  const KEPT = "nhipmay.toasts";
  const kinds = Object.fromEntries(toastKinds.split(";").map((pair) => pair.trim().split("=")));
  const shelf = document.createElement("div");
  shelf.className = "toasts";
  shelf.setAttribute("role", "status");
  document.body.append(shelf);
  let seen = new Set(JSON.parse(sessionStorage.getItem(KEPT) ?? "[]"));

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
    look.addEventListener("click", () => toast.remove());
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "×";
    close.setAttribute("aria-label", toastClose);
    close.addEventListener("click", () => toast.remove());
    toast.append(words, look, close);
    shelf.append(toast);
  }

  async function ask() {
    try {
      const places = toastPlace ? [toastPlace] : JSON.parse(document.body.dataset.toastPlaces ?? "[]");
      for (const place of places) {
        const query = new URLSearchParams({ place, open_only: "true", limit: "20" });
        const response = await fetch(`/api/v1/anomalies/events?${query}`);
        if (!response.ok) continue;
        const { data } = await response.json();
        const fresh = data.filter((one) => !seen.has(one.event_id) && one.verdict === null);
        for (const event of fresh.slice(0, 3).reverse()) show(event);
        for (const event of fresh) seen.add(event.event_id);
      }
      seen = new Set([...seen].slice(-500));
      sessionStorage.setItem(KEPT, JSON.stringify([...seen]));
    } catch {
      // The link is away; the page says so itself.
    }
    setTimeout(ask, EVERY_MS);
  }
  ask();
})();
