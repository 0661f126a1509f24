// The few things of a board that need a hand: printing, and choices that take effect at once.
"use strict";

document.getElementById("print").addEventListener("click", () => window.print());
for (const choice of document.querySelectorAll("select[data-go]")) {
  choice.addEventListener("change", () => choice.form.requestSubmit());
}
