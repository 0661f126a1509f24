// Draws a chart as SVG: bars, lines and points, as `api.pages.charts` describes them (plotly's words
// for what is used here). Colours stay variables, so that dark, light and paper need no new drawing.
"use strict";

const plot = (() => {
  const LANGUAGE = document.documentElement.lang === "vi" ? "vi-VN" : "en-GB";
  const TEXTURES = { "/": "hatch", x: "cross", "-": "lines", ".": "dots", "|": "bars", "+": "plus" };
  const DASHES = { dot: "2 4", dash: "7 5" };
  const MINUTE = 60000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
  const STEPS = [1, 2, 5, 10, 15, 30].map((n) => n * MINUTE)
    .concat([1, 2, 3, 6, 12].map((n) => n * HOUR), [1, 2, 7, 14, 28].map((n) => n * DAY));
  const ROW = 17, NEAR_PX = 14;
  const measure = document.createElement("canvas").getContext("2d");
  let clips = 0;

  function node(name, attributes = {}, text = "") {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text) made.textContent = text;
    return made;
  }

  // What the server marked up for a chart, as lines of plain words.
  function linesOf(text) {
    return String(text).split("<br>").map((line) => line.replace(/<\/?\w+>/g, "")
      .replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&"));
  }

  const wide = (text) => Math.max(...linesOf(text).map((line) => measure.measureText(line).width));

  function moment(format, value) {
    const [date, time] = new Date(value).toISOString().split("T");
    const [year, month, day] = date.split("-");
    const parts = { Y: year, m: month, d: day, H: time.slice(0, 2), M: time.slice(3, 5) };
    return format.replace(/%([YmdHM])/g, (_, key) => parts[key]);
  }

  function number(format, value) {
    const digits = /\.(\d+)/.exec(format ?? "");
    const options = { useGrouping: "always" };
    if (/%$/.test(format)) Object.assign(options, { style: "percent", maximumFractionDigits: Number(digits?.[1] ?? 0) });
    else if (/g$/.test(format)) options.maximumSignificantDigits = Number(digits?.[1] ?? 4);
    else if (/[fd]$/.test(format)) {
      options.maximumFractionDigits = Number(digits?.[1] ?? 0);
      options.minimumFractionDigits = options.maximumFractionDigits;
    } else options.maximumFractionDigits = 6;
    return new Intl.NumberFormat(LANGUAGE, options).format(value);
  }

  const worded = (axis, format, value) => (axis.date ? moment(format || "%d/%m %H:%M", value) : number(format, value));

  function axisOf(key, layout, traces) {
    const letter = key[0];
    const mine = traces.filter((trace) => (trace[`${letter}axis`] ?? letter) === key.replace("axis", ""));
    const axis = { ...layout[key], letter, mine, date: layout[key].type === "date" };
    if (axis.type === "category") {
      axis.names = [...new Set([...(axis.categoryarray ?? []), ...mine.flatMap((trace) => trace[letter])])];
      axis.index = new Map(axis.names.map((name, n) => [name, n]));
    }
    axis.number = (value) => {
      if (value === null || value === undefined) return null;
      if (axis.index) return axis.index.get(value);
      return axis.date && typeof value === "string" ? Date.parse(`${value}Z`) : value;
    };
    return axis;
  }

  // Where each bar begins and ends: [position, half its width, from, to, index], in axes' numbers.
  function barsOf(traces, axes, layout) {
    const stacks = new Map();
    const bars = traces.filter((trace) => trace.type === "bar");
    const grouped = layout.barmode === "group" ? bars.length : 1;
    bars.forEach((trace, rank) => {
      const flat = trace.orientation === "h";
      const [along, across] = flat ? [axes[trace.xaxis ?? "x"], axes[trace.yaxis ?? "y"]] : [axes[trace.yaxis ?? "y"], axes[trace.xaxis ?? "x"]];
      const lengths = flat ? trace.x : trace.y, places = flat ? trace.y : trace.x;
      const room = 1 - (layout.bargap ?? 0.2);
      const positions = places.map(across.number);
      const step = across.names ? 1 : Math.min(...positions.slice(1).map((one, n) => one - positions[n]).filter((gap) => gap > 0), across.date ? DAY : 1);
      trace.boxes = [];
      lengths.forEach((length, n) => {
        if (length === null || length === undefined) return;
        const width = (trace.width?.[n] ?? step * room) / grouped;
        const at = positions[n] + (grouped > 1 ? (rank - (grouped - 1) / 2) * width : 0);
        let from = trace.base ? along.number(trace.base[n]) : 0;
        if (["stack", "relative"].includes(layout.barmode)) {
          const key = `${trace.xaxis ?? "x"} ${trace.yaxis ?? "y"} ${at} ${length < 0}`;
          from = stacks.get(key) ?? 0;
          stacks.set(key, from + length);
        }
        trace.boxes.push({ at, half: width / 2, from, to: from + length, n });
      });
      trace.flat = flat;
    });
  }

  function rangeOf(axis) {
    if (axis.range) return axis.range.map(axis.number);
    if (axis.names) return [-0.5, axis.names.length - 0.5];
    const values = [];
    for (const trace of axis.mine) {
      const along = trace.boxes && trace.flat === (axis.letter === "x");
      if (trace.boxes) for (const box of trace.boxes) values.push(...(along ? [box.from, box.to] : [box.at - box.half, box.at + box.half]));
      else values.push(...trace[axis.letter].map(axis.number).filter((one) => one !== null));
    }
    let low = Infinity, high = -Infinity;
    for (const value of values) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    if (low > high) [low, high] = [0, 1];
    if (axis.rangemode === "tozero") low = Math.min(low, 0);
    const spare = axis.mine.some((trace) => trace.textposition === "outside") ? 0.14 : 0.06;
    const pad = (high - low || Math.abs(high) || 1) * (axis.date ? 0.01 : spare);
    return [low === 0 ? 0 : low - pad, high === 0 && low < 0 ? 0 : high + pad];
  }

  function ticksOf(axis, room) {
    const [low, high] = axis.range_.slice().sort((one, other) => one - other);
    if (axis.names) {
      const shown = axis.tickvals ? new Map(axis.tickvals.map((name, n) => [name, axis.ticktext[n]])) : null;
      return axis.names.map((name, n) => ({ at: n, words: shown ? shown.get(name) ?? "" : name }));
    }
    const most = Math.max(2, axis.nticks ?? Math.floor(room / (axis.letter === "x" ? 74 : 42)));
    let values = axis.tickvals;
    if (!values) {
      let step = axis.dtick;
      while (step && (high - low) / step > 2 * most) step *= 2;
      if (!step && axis.date) step = STEPS.find((one) => (high - low) / one <= most) ?? 28 * DAY * Math.ceil((high - low) / (28 * DAY * most));
      if (!step) {
        const power = 10 ** Math.floor(Math.log10((high - low) / most));
        step = [1, 2, 5, 10].map((one) => one * power).find((one) => (high - low) / one <= most);
      }
      const first = axis.tick0 === undefined ? 0 : axis.number(axis.tick0);
      values = [];
      for (let n = Math.ceil((low - first) / step - 1e-9); first + n * step <= high + step * 1e-9; n += 1) values.push(Number((first + n * step).toPrecision(15)));
    }
    let before = "";
    return values.map((at) => {
      const [upper, lower] = worded(axis, axis.tickformat, at).split("\n");
      const words = lower && lower !== before ? `${upper}<br>${lower}` : upper;
      before = lower;
      return { at, words };
    });
  }

  function label(x, y, words, attributes = {}) {
    const made = node("text", { x, y, ...attributes });
    linesOf(words).forEach((line, n) => made.append(node("tspan", { x, dy: n ? ROW : 0 }, line)));
    return made;
  }

  function tip(trace, n, axes) {
    if (trace.hoverinfo === "skip") return null;
    const [x, y] = [axes[trace.xaxis ?? "x"], axes[trace.yaxis ?? "y"]];
    if (trace.hovertext) return trace.hovertext[n];
    if (!trace.hovertemplate) return [trace.flat ? trace.y[n] : trace.name, trace.text?.[n]].filter(Boolean).join(": ");
    const value = { x: x.number(trace.x[n]), y: y.number(trace.y[n]) };
    return trace.hovertemplate.replace(/<extra><\/extra>/, "").replace(/%\{(\w+)(?:\.name)?(?:[|:]([^}]*))?\}/g, (_, key, format) => {
      if (key === "text") return trace.text[n];
      if (key === "fullData") return trace.name;
      const axis = key === "x" ? x : y;
      return axis.names ? trace[key][n] : worded(axis, format, value[key]);
    });
  }

  function legend(traces) {
    const list = document.createElement("ul");
    list.className = "legend plot-legend";
    for (const trace of traces.filter((one) => one.showlegend !== false && one.name)) {
      const item = document.createElement("li");
      const svg = node("svg", { class: "swatch", viewBox: "0 0 28 16", "aria-hidden": "true" });
      const color = trace.line?.color ?? trace.marker?.color;
      if (trace.type === "bar") {
        svg.append(node("rect", { width: 28, height: 16, fill: Array.isArray(color) ? color[0] : color }));
        const texture = TEXTURES[trace.marker.pattern?.shape];
        if (texture) svg.append(node("rect", { width: 28, height: 16, fill: `url(#${texture})` }));
      } else svg.append(node("path", { d: "M0 8h28", fill: "none", stroke: color, "stroke-width": 2.5, "stroke-dasharray": DASHES[trace.line?.dash] ?? "none" }));
      item.append(svg, linesOf(trace.name).join(" "));
      list.append(item);
    }
    return list;
  }

  function draw(place, { data, layout }, width) {
    measure.font = `13px ${getComputedStyle(document.body).fontFamily}`;
    const traces = data.map((trace) => ({ ...trace }));
    const axes = {};
    for (const key of Object.keys(layout)) if (/^[xy]axis\d*$/.test(key)) axes[key.replace("axis", "")] = axisOf(key, layout, traces);
    barsOf(traces, axes, layout);
    const { height } = layout;
    const shown = layout.showlegend;
    const edge = { l: 8, r: 8, t: shown ? 10 : 6, b: 8, ...(shown ? {} : { t: layout.margin?.t ?? 6 }) };
    for (const axis of Object.values(axes)) {
      axis.range_ = rangeOf(axis);
      if (axis.autorange === "reversed") axis.range_.reverse();
      if (axis.visible === false) continue;
      axis.ticks = ticksOf(axis, axis.letter === "x" ? width * ((axis.domain?.[1] ?? 1) - (axis.domain?.[0] ?? 0)) - 90 : height - 70);
      const title = axis.title?.text ? ROW + 3 : 0;
      if (axis.letter === "y") {
        const need = Math.max(0, ...axis.ticks.map((tick) => wide(tick.words))) + 12 + title;
        if (axis.side === "right") edge.r = Math.max(edge.r, need);
        else edge.l = Math.max(edge.l, Math.min(need, width * 0.45));
      }
    }
    const inner = width - edge.l - edge.r;
    for (const axis of Object.values(axes).filter((one) => one.letter === "x" && one.ticks)) {
      // Names that do not fit side by side are broken into lines.
      if (axis.names) for (const tick of axis.ticks) tick.words = broken(tick.words, (inner / axis.names.length) - 8);
      const rows = Math.max(1, ...axis.ticks.map((tick) => linesOf(tick.words).length));
      edge.b = Math.max(edge.b, 10 + ROW * rows + (axis.title?.text ? ROW + 3 : 0));
    }
    for (const axis of Object.values(axes)) {
      const [from, to] = axis.letter === "x" ? [edge.l, width - edge.r] : [height - edge.b, edge.t];
      const [low, high] = axis.domain ?? [0, 1];
      axis.ends = [from + (to - from) * low, from + (to - from) * high];
      const [first, last] = axis.range_;
      axis.px = (value) => axis.ends[0] + ((value - first) / (last - first || 1)) * (axis.ends[1] - axis.ends[0]);
    }
    const svg = node("svg", { class: "plot", width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
    frame(svg, axes, edge, width, height);
    const clip = `plot-clip-${(clips += 1)}`;
    const area = node("clipPath", { id: clip });
    area.append(node("rect", { x: edge.l - 1, y: edge.t - 8, width: width - edge.l - edge.r + 2, height: height - edge.t - edge.b + 9 }));
    svg.append(area);
    const marks = node("g", { "clip-path": `url(#${clip})` });
    svg.append(marks);
    const targets = [];
    for (const trace of traces) (trace.type === "bar" ? bars : course)(marks, svg, trace, axes, targets);
    for (const words of layout.annotations ?? []) svg.append(label(width * words.x, height * words.y, words.text, { "text-anchor": "middle" }));
    place.replaceChildren(...(shown ? [legend(traces)] : []), svg);
    listen(place, svg, targets, axes);
  }

  function broken(words, room) {
    const made = [];
    for (const line of linesOf(words)) {
      let row = "";
      for (const word of line.split(" ")) {
        const longer = row ? `${row} ${word}` : word;
        if (row && measure.measureText(longer).width > room) {
          made.push(row);
          row = word;
        } else row = longer;
      }
      made.push(row);
    }
    return made.map((line) => line.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;")).join("<br>");
  }

  function frame(svg, axes, edge, width, height) {
    const grid = node("path", { class: "plot-grid" });
    let lines = "";
    for (const axis of Object.values(axes)) {
      if (!axis.ticks) continue;
      const [first, last] = axis.ends;
      const flat = axis.letter === "x";
      let free = -Infinity;
      for (const tick of axis.ticks) {
        const at = axis.px(tick.at);
        if (flat) {
          if (axis.showgrid !== false) lines += `M${at} ${edge.t}V${height - edge.b}`;
          const half = wide(tick.words) / 2;
          if (at - half < free || at < first - 1 || at > last + 1) continue;
          free = at + half + 6;
          const anchored = at + half > width ? { "text-anchor": "end" } : { "text-anchor": "middle" };
          svg.append(label(at + half > width ? width : Math.max(at, half), height - edge.b + ROW, tick.words, anchored));
        } else {
          if (axis.showgrid !== false) lines += `M${edge.l} ${at}H${width - edge.r}`;
          const right = axis.side === "right";
          const rows = linesOf(tick.words).length;
          svg.append(label(right ? width - edge.r + 6 : edge.l - 7, at + 4.5 - ((rows - 1) * ROW) / 2, tick.words, { "text-anchor": right ? "start" : "end" }));
        }
      }
      if (axis.title?.text) {
        if (flat) svg.append(label((first + last) / 2, height - 5, axis.title.text, { "text-anchor": "middle", class: "plot-title" }));
        else {
          const at = axis.side === "right" ? width - 5 : 13;
          svg.append(label(0, 0, axis.title.text, { "text-anchor": "middle", class: "plot-title", transform: `translate(${at} ${(first + last) / 2}) rotate(-90)` }));
        }
      }
    }
    grid.setAttribute("d", lines);
    svg.prepend(grid);
  }

  function bars(marks, svg, trace, axes, targets) {
    const [x, y] = [axes[trace.xaxis ?? "x"], axes[trace.yaxis ?? "y"]];
    const [along, across] = trace.flat ? [x, y] : [y, x];
    const paths = new Map();
    for (const { at, half, from, to, n } of trace.boxes) {
      const [a, b] = [along.px(from), along.px(to)].sort((one, other) => one - other);
      const [c, d] = [across.px(at - half), across.px(at + half)].sort((one, other) => one - other);
      const box = trace.flat ? [a, c, b, d] : [c, a, d, b];
      const color = Array.isArray(trace.marker.color) ? trace.marker.color[n] : trace.marker.color;
      const [left, top, right, bottom] = box.map((one) => Math.round(one * 100) / 100);
      paths.set(color, `${paths.get(color) ?? ""}M${left} ${top}H${right}V${bottom}H${left}z`);
      targets.push({ trace, n, box });
      if (trace.textposition === "outside" && trace.text[n]) {
        const spot = trace.flat ? [right + 6, (top + bottom) / 2 + 4.5, "start"] : [(left + right) / 2, (to < from ? bottom + ROW : top - 5), "middle"];
        svg.append(label(spot[0], spot[1], trace.text[n], { "text-anchor": spot[2] }));
      }
    }
    const texture = TEXTURES[trace.marker.pattern?.shape];
    for (const [color, d] of paths) {
      if (color === "rgba(0,0,0,0)") continue;
      marks.append(node("path", { d, fill: color }));
      if (texture) marks.append(node("path", { d, fill: `url(#${texture})` }));
    }
  }

  function course(marks, svg, trace, axes, targets) {
    const [x, y] = [axes[trace.xaxis ?? "x"], axes[trace.yaxis ?? "y"]];
    let d = "", pen = "M";
    const { size = 6, symbol = "circle", color, line = {} } = trace.marker ?? {};
    const signs = node("g", { fill: symbol.endsWith("open") ? "none" : color ?? "none", stroke: line.color ?? "none", "stroke-width": line.width ?? 0 });
    trace.x.forEach((value, n) => {
      const [at, of] = [x.number(value), y.number(trace.y[n])];
      if (at === null || of === null) {
        pen = "M";
        return;
      }
      const [left, top] = [Math.round(x.px(at) * 100) / 100, Math.round(y.px(of) * 100) / 100];
      d += `${pen}${left} ${top}`;
      pen = "L";
      if (trace.mode.includes("markers")) {
        if (symbol === "line-ew-open") signs.append(node("path", { d: `M${left - size / 2} ${top}h${size}` }));
        else if (symbol === "diamond") signs.append(node("path", { d: `M${left} ${top - size / 2}l${size / 2} ${size / 2}l${-size / 2} ${size / 2}l${-size / 2} ${-size / 2}z` }));
        else signs.append(node("circle", { cx: left, cy: top, r: size / 2 }));
      }
      targets.push({ trace, n, box: [left, top, left, top] });
    });
    if (trace.mode.includes("lines")) marks.append(node("path", { d, fill: "none", stroke: trace.line.color, "stroke-width": trace.line.width ?? 2, "stroke-dasharray": DASHES[trace.line.dash] ?? "none", "stroke-linejoin": "round" }));
    svg.append(signs);
  }

  // The mark under the pointer, or the nearest that is near, says what it is.
  function listen(place, svg, targets, axes) {
    const words = document.createElement("div");
    words.className = "plot-tip";
    words.hidden = true;
    place.append(words);
    svg.addEventListener("pointermove", (event) => {
      const area = svg.getBoundingClientRect();
      const [x, y] = [event.clientX - area.left, event.clientY - area.top];
      let best = null, least = NEAR_PX;
      for (const target of targets) {
        const [left, top, right, bottom] = target.box;
        const far = Math.hypot(Math.max(left - x, 0, x - right), Math.max(top - y, 0, y - bottom));
        if (far <= least && target.trace.hoverinfo !== "skip") [best, least] = [target, far];
      }
      const told = best && tip(best.trace, best.n, axes);
      words.hidden = !told;
      if (!told) return;
      words.replaceChildren(...linesOf(told).map((line, n) => {
        const made = document.createElement(n ? "span" : "b");
        made.textContent = line;
        return made;
      }));
      const room = place.getBoundingClientRect();
      words.style.left = `${Math.max(0, Math.min(event.clientX - room.left + 14, place.clientWidth - words.offsetWidth)) + place.scrollLeft}px`;
      words.style.top = `${Math.max(0, event.clientY - room.top - words.offsetHeight - 10)}px`;
    });
    svg.addEventListener("pointerleave", () => {
      words.hidden = true;
    });
  }

  return draw;
})();
