// Completes the name of a sound while it is typed, and says at once what the model does not know. `server` asks Python.

const popup = element.querySelector(".ev-list");
const note = element.querySelector(".ev-note");
const PAUSE_MS = 150;
let typing = 0;
let asked = 0;

const options = () => [...popup.children];
const chosen = () => options().find((one) => one.getAttribute("aria-selected") === "true");

function closeList() {
  popup.hidden = true;
  popup.replaceChildren();
  for (const field of element.querySelectorAll('[role="combobox"]')) {
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  }
}

function openList(field, names) {
  closeList();
  popup.replaceChildren(
    ...names.map((name, index) => {
      const option = document.createElement("li");
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      option.id = `ev-option-${index}`;
      option.textContent = name;
      // Before the field loses the focus.
      option.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        take(field, name);
      });
      return option;
    }),
  );
  if (!names.length) return;
  const root = element.querySelector(".ev").getBoundingClientRect();
  const box = field.getBoundingClientRect();
  Object.assign(popup.style, { left: `${box.left - root.left}px`, top: `${box.bottom - root.top + 2}px`, minWidth: `${box.width}px` });
  popup.hidden = false;
  field.setAttribute("aria-expanded", "true");
}

function move(field, step) {
  const all = options();
  const at = all.indexOf(chosen());
  const next = all[(at + step + all.length + (at < 0 && step < 0 ? 1 : 0)) % all.length];
  for (const one of all) one.setAttribute("aria-selected", String(one === next));
  field.setAttribute("aria-activedescendant", next.id);
  next.scrollIntoView({ block: "nearest" });
}

// Fills in the name of a sound and tells everybody.
function take(field, name) {
  field.value = name;
  closeList();
  say(field, []);
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

function button(text, act) {
  const one = document.createElement("button");
  one.type = "button";
  one.className = "ev-chip";
  one.textContent = text;
  one.addEventListener("click", act);
  return one;
}

function hush(field, one) {
  const negative = document.querySelector(`#${props.negative_id} textarea, #${props.negative_id} input`);
  if (negative) {
    negative.value = [negative.value.trim(), one.negative].filter(Boolean).join(", ");
    negative.dispatchEvent(new Event("input", { bubbles: true }));
  }
  take(field, one.rest);
}

// Notes about the words of a field: [{sentence, nearest, negative, rest}].
function say(field, notes) {
  note.replaceChildren(
    ...notes.map((one) => {
      const line = document.createElement("p");
      line.append(one.sentence, " ");
      if (one.negative) line.append(button(`Move “${one.negative}” there`, () => hush(field, one)));
      for (const name of one.nearest) line.append(button(name, () => take(field, name)));
      return line;
    }),
  );
  note.hidden = !notes.length;
}

async function ask(field) {
  const text = field.value.trim();
  const mine = ++asked;
  const answer = text ? await server.complete(text) : { names: [], notes: [] };
  if (mine !== asked || field.value.trim() !== text || !field.isConnected) return;
  const open = document.activeElement === field || field.matches(":focus");
  openList(field, open ? answer.names.filter((name) => name !== text) : []);
}

async function check(field) {
  const text = field.value.trim();
  const answer = text ? await server.check(text) : [];
  if (field.value.trim() === text) say(field, answer);
}

function listen(field) {
  field.setAttribute("role", "combobox");
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-expanded", "false");
  field.setAttribute("aria-controls", popup.id);
  field.autocomplete = "off";
  field.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(ask, PAUSE_MS, field);
  });
  field.addEventListener("change", () => check(field));
  field.addEventListener("blur", closeList);
  field.addEventListener("keydown", (event) => {
    if (popup.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") move(field, event.key === "ArrowDown" ? 1 : -1);
    else if (event.key === "Enter" && chosen()) take(field, chosen().textContent);
    else if (event.key === "Escape") closeList();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}
