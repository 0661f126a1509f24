// Applies a panel's transformations, overrides and reductions to frames, as Grafana's front end does.
// One JSON a line comes in, {panel, frames}; one goes out: the fields as people see them.
const { JSDOM } = require("jsdom");

const dom = new JSDOM("<!doctype html>", { url: "http://localhost/" });
for (const name of ["window", "document", "navigator", "localStorage", "HTMLElement", "Element", "Node", "DOMParser", "location"]) {
  Object.defineProperty(globalThis, name, {
    value: name === "window" ? dom.window : dom.window[name],
    configurable: true,
    writable: true,
  });
}
const grafana = require("@grafana/data");
const { firstValueFrom } = require("rxjs");

grafana.standardTransformersRegistry.setInit(() =>
  [...new Map(Object.values(grafana.standardTransformers).map((one) => [one.id, one])).values()].map((one) => ({
    id: one.id,
    name: one.name,
    transformation: async () => one,
    imageDark: "",
    imageLight: "",
  }))
);

// The editors of these settings are in another package; what they do to a field is this.
const plain = ["displayName", "unit", "decimals", "min", "max", "mappings", "thresholds", "noValue", "color", "links"];
const custom = ["width", "hidden", "cellOptions", "lineStyle", "lineWidth", "fillOpacity", "showPoints", "drawStyle", "pointSize"];
const item = (id, isCustom) => ({
  id: isCustom ? `custom.${id}` : id,
  path: id,
  name: id,
  isCustom,
  process: id === "displayName" ? grafana.displayNameOverrideProcessor : (value) => value,
  shouldApply: () => true,
  settings: { expandTemplateVars: true },
});
const settings = new grafana.Registry(() => [...plain.map((id) => item(id, false)), ...custom.map((id) => item(id, true))]);

// The template engine is in Grafana's core; of it our boards use the labels of a field.
const filled = (words, scoped) =>
  words.replace(/\$\{__field\.labels\.(\w+)\}/g, (_, label) => scoped.__dataContext.value.field.labels?.[label] ?? "");
const theme = grafana.createTheme();
const text = (shown) => [shown.prefix, shown.text, shown.suffix].filter(Boolean).join("");

async function seen({ panel, frames }) {
  const known = new Set(Object.values(grafana.standardTransformers).map((one) => one.id));
  const transformations = (panel.transformations ?? []).filter((one) => known.has(one.id));
  const left = (panel.transformations ?? []).filter((one) => !known.has(one.id)).map((one) => one.id);
  const came = frames.map((frame) => grafana.toDataFrame(frame));
  const series = await firstValueFrom(
    grafana.transformDataFrame(transformations, came, { interpolate: (words) => words })
  );
  const common = {
    fieldConfig: panel.fieldConfig,
    replaceVariables: filled,
    theme,
    timeZone: "Asia/Ho_Chi_Minh",
    fieldConfigRegistry: settings,
  };
  const shown = grafana.applyFieldOverrides({ ...common, data: series });
  const answer = {
    left,
    fields: shown.flatMap((frame) =>
      frame.fields
        .filter((field) => !field.config.custom?.hidden)
        .map((field) => ({
          name: field.name,
          shown: grafana.getFieldDisplayName(field, frame, shown),
          labels: field.labels ?? {},
          width: field.config.custom?.width ?? null,
          drawn: field.config.custom?.drawStyle ?? null,
          texts: field.values.slice(0, 50).map((value) => text(field.display(value))),
        }))
    ),
  };
  if (panel.options?.reduceOptions) {
    answer.figures = grafana
      .getFieldDisplayValues({ ...common, reduceOptions: panel.options.reduceOptions, data: shown })
      .map((one) => ({ shown: one.display.title, text: text(one.display) }));
  }
  return answer;
}

const lines = require("readline").createInterface({ input: process.stdin });
lines.on("line", async (line) => {
  console.log(JSON.stringify(await seen(JSON.parse(line))));
});
