"use strict";
// The table of tasks: sorted by any column, filtered by family, group, flag and outcome, searched. Without this script
// it is a plain table.
(function () {
  const at = (id) => document.getElementById(id);
  const table = at("table"), body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  const rows = [...body.rows].map((row) => ({
    row,
    text: [...row.cells].filter((cell) => cell.matches(".name, .text")).map((cell) => cell.textContent).join(" ").toLowerCase(),
    flags: JSON.parse(row.dataset.flags),
    outcomes: JSON.parse(row.dataset.outcomes),
  }));

  // ---- sorting: words by the alphabet, numbers by their value and at first the largest on top, empty ones always last
  function valueOf(row, column, words) {
    const cell = row.cells[column];
    if (words) return cell.textContent.trim() || null;
    return cell.dataset.v === undefined || cell.dataset.v === "" ? null : +cell.dataset.v;
  }

  function sortBy(column) {
    const head = heads[column], words = "words" in head.dataset;
    const first = words ? "ascending" : "descending", second = words ? "descending" : "ascending";
    const order = head.getAttribute("aria-sort") === first ? second : first, sign = order === "ascending" ? 1 : -1;
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", order);
    const keyed = rows.map((each) => [valueOf(each.row, column, words), each.row]);
    keyed.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return sign * (words ? a.localeCompare(b) : a - b);
    });
    body.append(...keyed.map(([, row]) => row));
  }

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sortBy(column));
    head.append(button);
  });

  // ---- filtering
  const chosen = (id) => (at(id) ? at(id).value : "");
  function fits({ row, text, flags, outcomes }) {
    const flag = chosen("flag"), words = at("search").value.toLowerCase().split(/\s+/);
    return words.every((word) => text.includes(word))
      && (!chosen("family") || row.dataset.family === chosen("family"))
      && (!chosen("group") || row.dataset.group === chosen("group"))
      && (!flag || (flag === "none" ? !flags.length : flags.includes(flag.slice(3))))
      && (!chosen("outcome") || outcomes.includes(chosen("outcome")));
  }

  function filter() {
    let shown = 0;
    for (const each of rows) {
      each.row.hidden = !fits(each);
      shown += !each.row.hidden;
    }
    at("count").textContent = shown + " of " + rows.length + " tasks";
  }

  const form = at("filters"), all = at("all");
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  if (all) {
    const columns = () => table.classList.toggle("few", !all.checked);
    all.addEventListener("change", columns);
    columns();
  }
  filter();

  // ---- paper shows all: what is closed on the screen is opened for printing
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => { part.open = true; }));
})();
