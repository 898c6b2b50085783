"use strict";
// Without scripts the page is complete: tables are in their first order.
function value(cell) {
  const data = cell.querySelector("data");
  return data ? data.value : cell.textContent.trim();
}
function compare(a, b) {
  const x = Number(a), y = Number(b);
  if (a !== "" && b !== "" && !isNaN(x) && !isNaN(y)) return x - y;
  // What has no figure comes last.
  if ((a === "") !== (b === "")) return a === "" ? 1 : -1;
  return a.localeCompare(b, undefined, { numeric: true });
}
document.querySelectorAll("button.sort").forEach((button) => {
  button.addEventListener("click", () => {
    const head = button.closest("th"), table = head.closest("table");
    const down = head.getAttribute("aria-sort") === "ascending";
    table.querySelectorAll("th[aria-sort]").forEach((th) => th.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0], column = head.cellIndex;
    const rows = Array.from(body.rows);
    rows.sort((r, s) => {
      const a = value(r.cells[column]), b = value(s.cells[column]);
      const order = compare(a, b);
      return down && a !== "" && b !== "" ? -order : order;
    });
    body.append(...rows);
  });
});
const map = document.querySelector("svg.map");
if (map) {
  const { names, cells } = JSON.parse(document.getElementById("confusion").textContent);
  const counts = new Map(cells.map(([row, column, count]) => [row * names.length + column, count]));
  const readout = document.querySelector(".readout");
  const show = (event) => {
    const box = map.getBoundingClientRect(), side = Number(map.dataset.side);
    const margin = Number(map.dataset.margin), cell = Number(map.dataset.cell);
    const at = (where, start) => Math.floor(((where - start) * side / box.width - margin) / cell);
    const row = at(event.clientY, box.top), column = at(event.clientX, box.left);
    if (row < 0 || column < 0 || row >= names.length || column >= names.length) return;
    const count = counts.get(row * names.length + column) || 0;
    readout.textContent = `${names[row]} taken for ${names[column]}: ${count}`;
  };
  map.addEventListener("pointermove", show);
  map.addEventListener("pointerdown", show);
}
// An example is shown large, and clean of what lies over it, where it is pressed.
const large = document.createElement("dialog");
large.className = "large";
large.addEventListener("click", () => large.close());
document.body.append(large);
document.querySelectorAll(".example").forEach((example) => {
  const image = example.querySelector(":scope > img");
  if (!image) return;
  example.addEventListener("click", () => {
    const copy = image.cloneNode();
    copy.alt = example.getAttribute("aria-label") ?? image.alt;
    large.replaceChildren(copy);
    large.showModal();
  });
});
