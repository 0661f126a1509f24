// Shows of a list only what holds the words that are written into its field.
"use strict";

// With or without marks: `chuyen phay` finds `Chuyền phay`.
const plainly = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").replace(/đ/gi, "d").toLowerCase();
for (const field of document.querySelectorAll("input[data-find]")) {
  field.addEventListener("input", () => {
    const wanted = plainly(field.value).split(/\s+/);
    for (const one of document.querySelectorAll(field.dataset.find)) {
      const text = plainly(one.textContent);
      one.hidden = !wanted.every((word) => text.includes(word));
    }
  });
}
