// How the columns of another system's file become fields here: guessed, then mended by a person.
"use strict";

const { words: said, places } = JSON.parse(document.getElementById("content").textContent);
const mappingForm = document.getElementById("file-form");
const at = (id) => document.getElementById(id);
let shown = null;

function made(name, text = "", attributes = {}) {
  const node = document.createElement(name);
  node.textContent = text;
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

// A field as people call it; of a quantity's unit both names.
function fieldName(field) {
  const [name, unit] = field.split(".");
  const known = said[`fields.${name}`] ?? name;
  return unit ? `${known}: ${said[`fields.${unit}`] ?? unit}` : known;
}

const placeName = (one) => places[one] ?? said[`choices.${one}`] ?? one;

function choice(options, value, label, nameOf) {
  const select = made("select", "", { "aria-label": label });
  select.append(made("option", said["mapping.not_used"], { value: "" }));
  for (const one of options) select.append(made("option", nameOf(one), { value: one, title: one }));
  select.value = value ?? "";
  return select;
}

// The mapping as it stands on the page, nothing while none is shown.
function mappingOf(form) {
  if (shown === null) return null;
  const site = form.site.value;
  const mapping = structuredClone(shown.mapping);
  mapping.name = at("mapping-name").value.trim() || mapping.name;
  mapping.time_zone ||= form.site.selectedOptions[0].dataset.zone ?? "";
  if (site && shown.fields.includes("site") && !mapping.columns.site) mapping.constants.site ||= site;
  return mapping;
}

async function keepMapping(mapping, fields) {
  if (!at("mapping-name").value.trim()) return "";
  const body = { documents: [mapping], who: fields.get("who") ?? "", reason: fields.get("reason") ?? "" };
  const response = await fetch("/api/v1/mes/import-mappings", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (response.ok) await listKept();
  return response.ok ? said["mapping.was_kept"].replace("{name}", mapping.name) : said["mapping.not_kept"];
}

async function look(mapping, kind = "") {
  const fields = new FormData(mappingForm);
  fields.set("kind", kind);
  fields.set("preset", at("preset").value);
  if (mapping) fields.set("mapping", JSON.stringify(mapping));
  const response = await fetch("/api/v1/mes-files/layout", { method: "POST", body: fields });
  const answer = await response.json();
  at("mapping").hidden = false;
  at("mapping-why").textContent = response.ok ? said["mapping.why"] : answer.detail;
  if (!response.ok) return;
  const named = shown !== null || mapping;
  shown = answer;
  if (!named) at("mapping-name").value = answer.mapping.name;
  draw();
}

function draw() {
  const { mapping } = shown;
  const xml = mapping.kind === "b2mml";
  at("mapping-kind").value = mapping.kind;
  at("header-row").value = mapping.header_row;
  at("header-rows").value = mapping.header_rows;
  at("code-page").value = mapping.code_page || "utf-8";
  at("delimiter").value = mapping.delimiter;
  at("decimal-mark").value = mapping.decimal_mark;
  at("date-order").value = mapping.date_order;
  at("layout").hidden = xml;
  at("column-rows").parentElement.parentElement.hidden = xml;
  at("column-rows").replaceChildren(...shown.columns.map(columnRow));
  const missing = shown.required.filter((name) => !mapping.columns[name] && name !== "site");
  at("constants").hidden = missing.length === 0;
  at("constant-rows").replaceChildren(...missing.map(constantRow));
  const open = Object.entries(shown.words);
  at("words").hidden = open.length === 0;
  at("word-rows").replaceChildren(...open.flatMap(([field, each]) => each.map((word) => wordRow(field, word))));
}

function columnRow(column) {
  const row = made("tr");
  const becomes = Object.keys(shown.mapping.columns).find((field) => shown.mapping.columns[field].includes(column.name));
  const select = choice(shown.fields, becomes, `${said["mapping.becomes"]}: ${column.name}`, fieldName);
  select.addEventListener("change", () => {
    const { columns } = shown.mapping;
    for (const field of Object.keys(columns)) {
      columns[field] = columns[field].filter((name) => name !== column.name);
      if (columns[field].length === 0) delete columns[field];
    }
    // A second column of one field is joined to the first: a date and its time.
    if (select.value) columns[select.value] = [...(columns[select.value] ?? []), column.name];
    look(mappingOf(mappingForm));
  });
  const cell = made("td");
  cell.append(select);
  row.append(made("th", `${column.letter} · ${column.name}`, { scope: "row" }), made("td", column.samples.join(" · ")), cell);
  return row;
}

function constantRow(field) {
  const row = made("tr");
  const options = shown.choices[field];
  const input = options ? choice(options, "", fieldName(field), placeName) : made("input", "", { "aria-label": fieldName(field) });
  input.value = shown.mapping.constants[field] ?? "";
  input.addEventListener("change", () => {
    if (input.value) shown.mapping.constants[field] = input.value;
    else delete shown.mapping.constants[field];
  });
  const cell = made("td");
  cell.append(input);
  row.append(made("th", fieldName(field), { scope: "row" }), cell);
  return row;
}

function wordRow(field, word) {
  const row = made("tr");
  const select = choice(shown.choices[field] ?? [], shown.mapping.values[field]?.[word], `${fieldName(field)}: ${word}`, placeName);
  select.addEventListener("change", () => {
    const table = (shown.mapping.values[field] ??= {});
    if (select.value) table[word] = select.value;
    else delete table[word];
  });
  const cell = made("td");
  cell.append(select);
  row.append(made("td", fieldName(field)), made("th", word, { scope: "row" }), cell);
  return row;
}

for (const [id, name, number] of [
  ["header-row", "header_row", true],
  ["header-rows", "header_rows", true],
  ["code-page", "code_page", false],
  ["delimiter", "delimiter", false],
  ["decimal-mark", "decimal_mark", false],
  ["date-order", "date_order", false],
]) {
  at(id).addEventListener("change", () => {
    shown.mapping[name] = number ? Number(at(id).value) : at(id).value;
    look(mappingOf(mappingForm));
  });
}
at("mapping-kind").addEventListener("change", () => look(null, at("mapping-kind").value));
at("preset").addEventListener("change", () => look(null, shown?.mapping.kind ?? ""));
at("map").addEventListener("click", () => {
  if (mappingForm.file.reportValidity()) look(null);
});
at("unmap").addEventListener("click", () => {
  shown = null;
  at("mapping").hidden = true;
});

const kept = new Map();
async function listKept() {
  const place = mappingForm.site.value || mappingForm.site.options[1]?.value;
  if (!place) return;
  const response = await fetch(`/api/v1/mes/import-mappings?${new URLSearchParams({ place })}`);
  if (!response.ok) return;
  kept.clear();
  for (const one of (await response.json()).data) kept.set(one.name, one);
  const none = at("kept").options[0];
  at("kept").replaceChildren(none, ...[...kept.keys()].map((name) => made("option", name, { value: name })));
}
at("kept").addEventListener("change", () => {
  const chosen = kept.get(at("kept").value);
  if (!chosen || !mappingForm.file.reportValidity()) return;
  at("mapping-name").value = chosen.name;
  look(chosen);
});
listKept();
