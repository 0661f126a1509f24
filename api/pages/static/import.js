// Sends a file to be looked at, and the same file again to be written.
"use strict";

const { words, entry: entryFields } = JSON.parse(document.getElementById("content").textContent);
const form = document.getElementById("file-form");
const write = document.getElementById("write");
const COUNTS = ["documents", "created", "changed", "unchanged", "withdrawn", "hours_to_compute"];
// What was looked at is what is written, whatever happens to the form meanwhile.
let looked = null;

function asked() {
  const fields = new FormData(form);
  const zone = form.site.selectedOptions[0].dataset.zone;
  if (zone) fields.set("time_zone", zone);
  if (form.file.files[0].name.toLowerCase().endsWith(".xml")) fields.set("kind", "");
  const mapping = mappingOf(form);
  if (mapping) fields.set("mapping", JSON.stringify(mapping));
  return fields;
}

function say(verdict, detail = "", answer = {}) {
  document.getElementById("report").hidden = false;
  document.getElementById("verdict").textContent = verdict;
  document.getElementById("detail").textContent = detail;
  document.getElementById("counts").replaceChildren(
    ...COUNTS.filter((name) => name in answer).map((name) => {
      const pair = document.createElement("div");
      pair.append(element("dt", words[name]), element("dd", answer[name].toLocaleString(document.documentElement.lang)));
      return pair;
    }),
  );
  const remarks = answer.remarks ?? [];
  document.getElementById("remarks").hidden = remarks.length === 0;
  document.getElementById("remark-rows").replaceChildren(...remarks.map((text) => element("li", text)));
  const problems = answer.errors ?? [];
  document.getElementById("problems").hidden = problems.length === 0;
  document.getElementById("problem-rows").replaceChildren(
    ...problems.map((problem) => {
      const row = document.createElement("tr");
      const reason = words[`reason_${problem.reason}`] ?? problem.reason ?? "";
      const cells = [problem.name, words[`fields.${problem.field}`] ?? problem.field ?? "", reason, problem.message];
      row.append(...cells.map((text) => element("td", text)));
      return row;
    }),
  );
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

async function send(fields, waiting) {
  write.hidden = true;
  say(waiting);
  for (const button of document.querySelectorAll("button")) button.disabled = true;
  try {
    const response = await fetch("/api/v1/mes-files", { method: "POST", body: fields });
    const answer = await response.json();
    if (response.ok) return answer;
    say(answer.errors ? words.refused : words.failed, answer.detail, answer);
  } catch {
    // The link is away, or the file has changed on the disk since it was chosen.
    say(words.failed);
  } finally {
    for (const button of document.querySelectorAll("button")) button.disabled = false;
  }
  return null;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  present(asked());
});

async function present(fields) {
  looked = fields;
  looked.set("preview", "true");
  const answer = await send(looked, words.reading);
  if (answer === null) return;
  looked.set("preview", "false");
  looked.set("sha256", answer.sha256);
  say(words.fit, "", answer);
  write.hidden = false;
}

// One record typed by hand is a table of one row: looked at, refused and written as any other.
const entry = document.getElementById("entry");
const cell = (text) => `"${text.replaceAll('"', '""')}"`;

function drawEntry() {
  document.getElementById("entry-fields").replaceChildren(
    ...entryFields[entry.kind.value].map((one) => {
      const label = element("label", `${words[`fields.${one.name}`] ?? one.name}${one.required ? " *" : ""}`);
      label.title = `${one.name}: ${one.description}`;
      const input = document.createElement(one.options ? "select" : "input");
      if (one.options) input.append(...["", ...one.options].map((value) => {
        const option = element("option", words[`choices.${value}`] ?? value);
        option.value = value;
        return option;
      }));
      if (one.format === "date-time") input.type = "datetime-local";
      if (one.format === "date") input.type = "date";
      if (one.format === "time") input.type = "time";
      input.name = one.name;
      input.required = one.required && !["site", "enterprise"].includes(one.name);
      label.append(input);
      return label;
    }),
  );
}

entry.addEventListener("submit", (event) => {
  event.preventDefault();
  const given = [...new FormData(entry)].filter(([name, value]) => name !== "kind" && value !== "");
  const rows = [given.map(([name]) => cell(name)), given.map(([, value]) => cell(value))];
  const fields = new FormData(form);
  const content = rows.map((row) => row.join(",")).join("\n");
  fields.set("file", new File([content], "nhap-tay.csv", { type: "text/csv" }));
  fields.set("kind", entry.kind.value);
  fields.set("sheet", "");
  const zone = form.site.selectedOptions[0].dataset.zone;
  if (zone) fields.set("time_zone", zone);
  present(fields);
});
entry.kind.addEventListener("change", drawEntry);
drawEntry();

write.addEventListener("click", async () => {
  const answer = await send(looked, words.writing);
  if (answer === null) return;
  const mapping = looked.get("mapping");
  const kept = mapping ? await keepMapping(JSON.parse(mapping), looked) : "";
  say(words.done, kept, answer);
});

form.addEventListener("input", () => {
  write.hidden = true;
});
