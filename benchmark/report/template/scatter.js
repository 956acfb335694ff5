"use strict";
// The scatter of two embeddings: a point per task, its AUROC with one across and with the other up.
(function () {
  const data = JSON.parse(document.getElementById("points").textContent);
  const at = (id) => document.getElementById(id);
  const svg = at("cloud"), across = at("across"), up = at("up");
  if (data.embeddings.length < 2) {
    at("balance-of-points").textContent = "There is one embedding, so nothing to compare it with.";
    return;
  }
  const LEFT = 50, TOP = 12, SIZE = 420, NAME = "http://www.w3.org/2000/svg";
  let current = -1, circles = [];

  function draw(kind, attributes, text) {
    const element = document.createElementNS(NAME, kind);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    return svg.appendChild(element);
  }

  // One scale for both axes: tenths around all points and the chance level, so that the diagonal is where both are equal.
  function limits(x, y) {
    const all = [...x, ...y].map((value) => value[0]);
    return [Math.floor(10 * Math.min(0.5, ...all)) / 10, Math.ceil(10 * Math.max(0.6, ...all)) / 10];
  }

  function paint() {
    const x = data.values[+across.value], y = data.values[+up.value], [low, high] = limits(x, y);
    const right = (value) => LEFT + (SIZE * (value - low)) / (high - low);
    const top = (value) => TOP + SIZE - (SIZE * (value - low)) / (high - low);
    const [name, other] = [data.embeddings[+across.value], data.embeddings[+up.value]];
    svg.replaceChildren();
    for (let tick = Math.round(10 * low); tick <= Math.round(10 * high); tick++) {
      const value = tick / 10, colour = tick === 5 ? "#aaa" : "#eee";
      draw("line", { x1: right(value), x2: right(value), y1: TOP, y2: TOP + SIZE, stroke: colour });
      draw("line", { x1: LEFT, x2: LEFT + SIZE, y1: top(value), y2: top(value), stroke: colour });
      draw("text", { x: right(value), y: TOP + SIZE + 16, "text-anchor": "middle" }, value.toFixed(1));
      draw("text", { x: LEFT - 7, y: top(value) + 4, "text-anchor": "end" }, value.toFixed(1));
    }
    draw("line", { x1: right(low), x2: right(high), y1: top(low), y2: top(high), stroke: "#888", "stroke-dasharray": "4 4" });
    draw("text", { x: LEFT + SIZE / 2, y: TOP + SIZE + 38, "text-anchor": "middle" }, "AUROC of " + cut(name));
    draw("text", { x: 0, y: 0, transform: `translate(13 ${TOP + SIZE / 2}) rotate(-90)`, "text-anchor": "middle" }, "AUROC of " + cut(other));
    circles = data.tasks.map((task, i) => {
      const circle = draw("circle", { cx: right(x[i][0]), cy: top(y[i][0]), r: 4.5, fill: data.colours[data.family[i]],
        "fill-opacity": 0.7, stroke: "#fff", "stroke-width": 0.8 });
      const title = document.createElementNS(NAME, "title");
      title.textContent = words(i);
      circle.append(title);
      circle.addEventListener("pointerenter", () => show(i));
      return circle;
    });
    svg.setAttribute("aria-label", "AUROC of every task, " + name + " across and " + other + " up; arrow keys go from task to task");
    const above = data.tasks.filter((_, i) => y[i][0] > x[i][0]).length;
    at("balance-of-points").textContent = other + " is above " + name + " on " + above + " of " + data.tasks.length + " tasks (points above the diagonal).";
    at("point").textContent = "Point at a task, or go through them with the arrow keys.";
    current = -1;
  }

  const cut = (name) => (name.length > 40 ? name.slice(0, 39) + "…" : name);
  const range = (value) => value[0].toFixed(2) + " [" + value[1].toFixed(2) + ", " + value[2].toFixed(2) + "]";
  function words(i) {
    const each = [up, across].map((menu) => data.embeddings[+menu.value] + " " + range(data.values[+menu.value][i]));
    return data.tasks[i] + ": " + each.join(", ");
  }

  function show(i) {
    if (circles[current]) circles[current].classList.remove("on");
    current = i;
    circles[i].classList.add("on");
    at("point").textContent = words(i);
  }

  for (const menu of [across, up]) {
    data.embeddings.forEach((name, i) => menu.append(new Option(name, i)));
    menu.addEventListener("change", paint);
  }
  across.value = data.across;
  up.value = data.up;
  data.families.forEach((family, i) => {
    const entry = document.createElement("li"), dot = document.createElement("i");
    dot.style.background = data.colours[i];
    entry.append(dot, family);
    at("legend").append(entry);
  });
  svg.setAttribute("tabindex", "0");
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    show((Math.max(current, step > 0 ? -1 : 0) + step + circles.length) % circles.length);
  });
  at("axes").hidden = false;
  svg.removeAttribute("hidden");
  paint();
})();
