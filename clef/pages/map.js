"use strict";
// The scatter of a map: draws the points of the JSON in #data, colours them by the menu, and opens a session's page.
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const canvas = at("canvas"), pen = canvas.getContext("2d"), n = data.id.length;
  const UNKNOWN = "#d9d9d9", MARGIN = 0.04, NEAR = 12, STEPS = 24, TURNS = 16;
  let view = { x: 0, y: 0, zoom: 1 }, chosen = 0, hovered = -1, drag = null, wide = 1, high = 1, cells = null;

  // ---- colours
  function mix(t) {
    const place = Math.min(0.9999, Math.max(0, t)) * (data.scale.length - 1), i = Math.floor(place);
    const part = (k) => [1, 3, 5].map((from) => parseInt(data.scale[k].slice(from, from + 2), 16));
    const [one, two] = [part(i), part(i + 1)];
    return "rgb(" + one.map((c, k) => Math.round(c + (two[k] - c) * (place - i))).join(",") + ")";
  }

  // [colour, points] in the order in which they are drawn: the unknown first, cases last, all others in turns, so
  // that no colour hides another.
  function layers(colouring) {
    const turns = colouring && colouring.kind === "concept" ? 1 : TURNS, groups = new Map();
    for (let i = 0; i < n; i++) {
      const colour = colourOf(colouring, i), key = colour === UNKNOWN ? -1 : i % turns;
      if (!groups.has(key)) groups.set(key, new Map());
      const some = groups.get(key);
      if (!some.has(colour)) some.set(colour, []);
      some.get(colour).push(i);
    }
    const rank = (colour) => (colouring && colouring.kind === "concept" && colour === colouring.colours[0] ? 1 : 0);
    return [...groups].sort((a, b) => a[0] - b[0])
      .flatMap(([, some]) => [...some].sort((a, b) => rank(a[0]) - rank(b[0])));
  }

  function colourOf(colouring, i) {
    if (!colouring) return "#0072B2";
    if (colouring.kind === "number") {
      const value = colouring.values[i];
      if (value === null) return UNKNOWN;
      const span = colouring.high - colouring.low || 1;
      return mix(Math.round(STEPS * Math.min(1, Math.max(0, (value - colouring.low) / span))) / STEPS);
    }
    const code = colouring.codes[i];
    return code === "." ? UNKNOWN : colouring.colours[+code];
  }

  function valueOf(colouring, i) {
    if (colouring.kind === "number") {
      const value = colouring.values[i];
      return value === null ? "" : value + (colouring.unit ? " " + colouring.unit : "");
    }
    return colouring.codes[i] === "." ? "" : colouring.labels[+colouring.codes[i]];
  }

  // ---- drawing
  function scale() { return (1 - 2 * MARGIN) * Math.min(wide / data.spans.x, high / data.spans.y) * view.zoom; }
  function left() { return wide / 2 + (view.x - data.middle.x) * scale(); }
  function top() { return high / 2 + (view.y - data.middle.y) * scale(); }
  function placeOf(i) { return [left() + data.x[i] * scale(), top() + data.y[i] * scale()]; }
  function radius() { return Math.min(9, (n > 5000 ? 1.7 : n > 1000 ? 2.6 : 4.2) * Math.sqrt(view.zoom)); }

  function draw() {
    const ratio = window.devicePixelRatio || 1, r = radius(), s = scale(), x0 = left(), y0 = top();
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, wide, high);
    pen.lineWidth = 0.5;
    pen.strokeStyle = "rgba(0,0,0,.35)";
    for (const [colour, some] of cells) {
      pen.beginPath();
      for (const i of some) {
        const x = x0 + data.x[i] * s, y = y0 + data.y[i] * s;
        if (x < -r || y < -r || x > wide + r || y > high + r) continue;
        pen.moveTo(x + r, y);
        pen.arc(x, y, r, 0, 6.3);
      }
      pen.fillStyle = colour;
      pen.fill();
      if (n <= 5000 && colour !== UNKNOWN) pen.stroke();
    }
    if (hovered >= 0) {
      const [x, y] = placeOf(hovered);
      pen.beginPath();
      pen.arc(x, y, r + 4, 0, 6.3);
      pen.lineWidth = 2.5;
      pen.strokeStyle = "#000";
      pen.stroke();
    }
  }

  function fit() {
    const box = canvas.getBoundingClientRect(), ratio = window.devicePixelRatio || 1;
    wide = Math.max(1, box.width);
    high = Math.max(1, box.height);
    canvas.width = Math.round(wide * ratio);
    canvas.height = Math.round(high * ratio);
    draw();
  }

  // ---- words beside the picture
  function text(parent, kind, words) {
    const element = document.createElement(kind);
    element.textContent = words;
    parent.appendChild(element);
    return element;
  }

  function recolour() {
    const colouring = data.colourings[chosen];
    cells = layers(colouring);
    at("legend").textContent = "";
    at("words").textContent = colouring ? colouring.words : "Nothing is known of these sessions but their ids.";
    at("number").hidden = !colouring || colouring.kind !== "number";
    if (colouring && colouring.kind === "number") {
      const stops = [0, 0.2, 0.4, 0.6, 0.8, 1].map(mix).join(",");
      at("bar").style.background = "linear-gradient(to right," + stops + ")";
      at("low").textContent = "≤ " + colouring.low;
      at("high").textContent = "≥ " + colouring.high + (colouring.unit ? " " + colouring.unit : "");
    } else if (colouring) {
      colouring.labels.forEach((label, k) => entry(colouring.colours[k], label, count(colouring.codes, String(k))));
    }
    const unknown = n - known(colouring);
    if (colouring && unknown) entry(UNKNOWN, "not known", unknown);
    draw();
  }

  function count(codes, code) { return codes.split(code).length - 1; }
  function known(colouring) {
    if (!colouring) return n;
    return colouring.kind === "number" ? colouring.values.filter((v) => v !== null).length : n - count(colouring.codes, ".");
  }

  function entry(colour, label, many) {
    const line = document.createElement("li"), dot = document.createElement("i");
    dot.style.background = colour;
    line.appendChild(dot);
    text(line, "span", label + " (" + many.toLocaleString("en") + ")");
    at("legend").appendChild(line);
  }

  function tell(i) {
    const about = at("about");
    about.textContent = "";
    if (i < 0) return;
    text(about, "strong", data.id[i]);
    const table = document.createElement("table");
    const concepts = new Map();
    data.colourings.forEach((colouring) => {
      const value = valueOf(colouring, i);
      if (colouring.kind !== "concept") {
        if (value) line(table, colouring.name, value);
      } else if (value === "yes") {
        concepts.set(colouring.group, [...(concepts.get(colouring.group) || []), colouring.name]);
      }
    });
    concepts.forEach((names, group) => line(table, group, names.join(", ")));
    about.appendChild(table);
    text(about, "p", data.page[i] ? "Click opens its page." : "No page yet: clef.map makes it with sessions=[" + data.id[i] + "].")
      .className = "small";
  }

  function line(table, name, value) {
    const row = document.createElement("tr");
    text(row, "td", name);
    text(row, "td", value);
    table.appendChild(row);
  }

  // ---- hands
  function nearest(x, y) {
    const s = scale(), x0 = left(), y0 = top();
    let best = -1, least = (NEAR + radius()) ** 2;
    for (let i = 0; i < n; i++) {
      const dx = x0 + data.x[i] * s - x, dy = y0 + data.y[i] * s - y, far = dx * dx + dy * dy;
      if (far < least) { least = far; best = i; }
    }
    return best;
  }

  function hover(i) {
    if (i === hovered) return;
    hovered = i;
    canvas.style.cursor = i >= 0 && data.page[i] ? "pointer" : "crosshair";
    tell(i);
    draw();
  }

  function open(i) {
    if (i >= 0 && data.page[i]) window.open("pages/" + encodeURIComponent(data.page[i]), "_blank", "noopener");
  }

  canvas.addEventListener("pointerdown", (e) => {
    drag = { x: e.offsetX, y: e.offsetY, moved: false, from: { ...view } };
    canvas.setPointerCapture(e.pointerId);
  });
  canvas.addEventListener("pointermove", (e) => {
    if (!drag) return hover(nearest(e.offsetX, e.offsetY));
    const dx = e.offsetX - drag.x, dy = e.offsetY - drag.y;
    if (Math.abs(dx) + Math.abs(dy) > 4) drag.moved = true;
    if (drag.moved) {
      view = { ...view, x: drag.from.x + dx / scale(), y: drag.from.y + dy / scale() };
      draw();
    }
  });
  canvas.addEventListener("pointerup", (e) => {
    const moved = drag && drag.moved;
    drag = null;
    if (!moved) { hover(nearest(e.offsetX, e.offsetY)); open(hovered); }
  });
  canvas.addEventListener("dblclick", () => { view = { x: 0, y: 0, zoom: 1 }; draw(); });
  canvas.addEventListener("wheel", (e) => {
    e.preventDefault();
    const before = scale(), px = e.offsetX - wide / 2, py = e.offsetY - high / 2;
    view.zoom = Math.min(60, Math.max(0.7, view.zoom * Math.exp(-e.deltaY / 400)));
    view.x += px / scale() - px / before;  // what lies under the pointer stays there
    view.y += py / scale() - py / before;
    draw();
  }, { passive: false });
  at("find").addEventListener("input", (e) => {
    const wanted = e.target.value.trim().toLowerCase();
    const i = wanted ? data.id.findIndex((id) => id.toLowerCase().includes(wanted)) : -1;
    hover(i);
  });
  at("find").addEventListener("keydown", (e) => { if (e.key === "Enter") open(hovered); });

  // ---- begin
  const span = (values) => values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
  const [xs, ys] = [span(data.x), span(data.y)];
  data.spans = { x: Math.max(1, xs[1] - xs[0]), y: Math.max(1, ys[1] - ys[0]) };
  data.middle = { x: (xs[0] + xs[1]) / 2, y: (ys[0] + ys[1]) / 2 };
  const groups = new Map();
  data.colourings.forEach((colouring, k) => {
    if (!groups.has(colouring.group)) {
      const group = document.createElement("optgroup");
      group.label = colouring.group;
      groups.set(colouring.group, at("menu").appendChild(group));
    }
    text(groups.get(colouring.group), "option", colouring.name).value = k;
  });
  at("menu").addEventListener("change", (e) => { chosen = +e.target.value; recolour(); tell(hovered); });
  cells = layers(data.colourings[chosen]);
  new ResizeObserver(fit).observe(canvas);
  recolour();
  window.clefMap = { count: n, placeOf, drawn: () => cells.reduce((sum, [, some]) => sum + some.length, 0) };
})();
