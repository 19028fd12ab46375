// Gradio gives `element`, `props`, `trigger` and `watch`; the markup never changes, so the rows are ours to fill.

const list = element.querySelector(".ev-rows");
const chips = element.querySelector(".ev-chips");
// As they stand in a row: [place in the value, name, what an empty field means].
const COLUMNS = [
  [2, "Sound", "footsteps on gravel"],
  [3, "Detail", "slow, close"],
  [0, "From second", "0"],
  [1, "To second", "end"],
  [4, "Made of", ""],
];
// What a sound can be made of; nothing for what stands below for all.
const SOURCES = [["", "as below"], ["auto", "what fits"], ["model", "the model"], ["samples", "samples"], ["blend", "a blend"]];
const TIME = /^(\d+([.,]\d*)?|[.,]\d+)?$/;
// The label of what the describer is not sure of; nobody gets to see it.
const UNSURE = "unknown";
const PICK = "Pick what sounds, or type it";
let last = "[]";
let current = null;

function makeRow(cells) {
  const row = document.createElement("div");
  row.className = "ev-row";
  row.setAttribute("role", "listitem");
  row.toggleAttribute("data-unsure", cells[2] === UNSURE);
  for (const [column, name, hint] of COLUMNS) {
    const field = column === 4 ? makeChoice() : document.createElement("input");
    const unsure = column === 2 && cells[2] === UNSURE;
    field.dataset.column = column;
    field.value = unsure ? "" : (cells[column] ?? "");
    if (hint) field.placeholder = unsure ? PICK : hint;
    field.setAttribute("aria-label", name);
    if (column < 2) field.inputMode = "decimal";
    if (column === 2) listen(field);
    row.append(field);
  }
  const remove = document.createElement("button");
  remove.type = "button";
  remove.className = "ev-delete";
  remove.textContent = "×";
  row.append(remove);
  nameRow(row, labelOf(row).value);
  return row;
}

function makeChoice() {
  const choice = document.createElement("select");
  for (const [value, name] of SOURCES) choice.append(new Option(name, value));
  return choice;
}

function nameRow(row, label) {
  row.lastChild.setAttribute("aria-label", `Delete ${label || "this sound"}`);
  for (const field of row.querySelectorAll("input"))
    field.setAttribute("aria-invalid", String(field.dataset.column < 2 && !TIME.test(field.value.trim())));
}

const labelOf = (row) => row.querySelector('[data-column="2"]');

function cellsOf(row) {
  const cells = [0, 1, 2, 3, 4].map((column) => row.querySelector(`[data-column="${column}"]`).value.trim());
  if (!cells[2] && row.hasAttribute("data-unsure")) cells[2] = UNSURE;
  return cells;
}

function commit() {
  const rows = [...list.children].map(cellsOf);
  for (const row of list.children) nameRow(row, labelOf(row).value.trim());
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

function addRow(cells = []) {
  const row = makeRow(cells);
  list.append(row);
  return row;
}

// A suggestion goes where a name is missing, else into the row that was used last or the only one.
function pick(label) {
  const rows = [...list.children];
  const row = rows.find((one) => !labelOf(one).value.trim()) ?? (rows.includes(current) ? current : rows.length === 1 ? rows[0] : addRow());
  row.querySelector('[data-column="3"]').value = "";
  take(labelOf(row), label);
}

function suggest() {
  const suggestions = Array.isArray(props.suggestions) ? props.suggestions : [];
  chips.hidden = !suggestions.length;
  const makeChip = ({ label, confidence }) => {
    const chip = button(label, () => pick(label));
    const share = document.createElement("small");
    share.textContent = ` ${Math.round(100 * confidence)} %`;
    chip.append(share);
    return chip;
  };
  chips.replaceChildren("Perhaps: ", ...suggestions.map(makeChip));
}

list.addEventListener("change", commit);
list.addEventListener("focusin", (event) => {
  current = event.target.closest(".ev-row");
});
list.addEventListener("keydown", (event) => {
  if (event.key === "Enter") event.target.blur();
});
element.addEventListener("click", (event) => {
  const remove = event.target.closest(".ev-delete");
  if (remove) {
    const row = remove.parentElement;
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    say(null, []);
    (next?.querySelector("input") ?? element.querySelector(".ev-add")).focus();
    commit();
  }
  if (event.target.closest(".ev-add")) addRow().querySelector("input").focus();
});
watch("value", show);
watch("suggestions", suggest);
show();
suggest();
