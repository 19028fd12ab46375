// Gradio gives `element`, `props`, `trigger` and `watch`; the markup never changes, so the rows are ours to fill.

const list = element.querySelector(".ev-rows");
// As they stand in a row: [place in the value, name, what an empty field means].
const COLUMNS = [
  [2, "Sound", "footsteps on gravel"],
  [3, "Detail", "slow, close"],
  [0, "From second", "0"],
  [1, "To second", "end"],
];
const TIME = /^(\d+([.,]\d*)?|[.,]\d+)?$/;
let last = "[]";

function makeRow(cells) {
  const row = document.createElement("div");
  row.className = "ev-row";
  row.setAttribute("role", "listitem");
  for (const [column, name, hint] of COLUMNS) {
    const field = document.createElement("input");
    field.dataset.column = column;
    field.value = cells[column] ?? "";
    field.placeholder = hint;
    field.setAttribute("aria-label", name);
    if (column < 2) field.inputMode = "decimal";
    row.append(field);
  }
  const remove = document.createElement("button");
  remove.type = "button";
  remove.className = "ev-delete";
  remove.textContent = "×";
  row.append(remove);
  nameRow(row, cells[2]);
  return row;
}

function nameRow(row, label) {
  row.lastChild.setAttribute("aria-label", `Delete ${label || "this sound"}`);
  for (const field of row.querySelectorAll("input"))
    field.setAttribute("aria-invalid", String(field.dataset.column < 2 && !TIME.test(field.value.trim())));
}

const cellsOf = (row) =>
  [0, 1, 2, 3].map((column) => row.querySelector(`[data-column="${column}"]`).value.trim());

function commit() {
  const rows = [...list.children].map(cellsOf);
  for (const row of list.children) nameRow(row, cellsOf(row)[2]);
  const text = JSON.stringify(rows);
  if (text === last) return;
  last = text;
  props.value = rows;
  trigger("input");
}

function show() {
  const rows = (Array.isArray(props.value) ? props.value : []).map((row) => [...row].map((cell) => String(cell ?? "")));
  const text = JSON.stringify(rows);
  if (text === last) return;
  last = text;
  list.replaceChildren(...rows.map(makeRow));
}

list.addEventListener("change", commit);
list.addEventListener("keydown", (event) => {
  if (event.key === "Enter") event.target.blur();
});
element.addEventListener("click", (event) => {
  const remove = event.target.closest(".ev-delete");
  if (remove) {
    const row = remove.parentElement;
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    (next?.querySelector("input") ?? element.querySelector(".ev-add")).focus();
    commit();
  }
  if (event.target.closest(".ev-add")) {
    const row = makeRow([]);
    list.append(row);
    row.querySelector("input").focus();
  }
});
watch("value", show);
show();
