// Puts the parts together and speaks with the page: the value comes from Python and goes back after each gesture.

const KEPT = (window.rhythmicFoleyClips ??= new Map()); // what an element that is made anew would have lost
const INPUT_MS = 250;

const root = element.querySelector(".tl");
const part = (selector) => root.querySelector(selector);
const lane = (name) => part(`.tl-lane[data-lane="${name}"]`);
const field = part("textarea");
const ended = new AbortController();

const tl = {
  root,
  stage: part(".tl-stage"),
  threshold: part(".tl-threshold"),
  number: part(".tl-number"),
  clip: null,
  lanes: null,
  snap: true,
  selecting: false,
  view: createView(),
  marks: createMarks(lane("hits"), paint),
  edits: createEdits(changed),
  paint,
  say,
  bubble,
  ghost,
  setMode,
  openMenu,
  closeMenu,
};
tl.film = createFilm({
  videoId: () => tl.clip?.video_id || props.video_id,
  element,
  onTime: showTime,
  onPlaying: (playing) => root.classList.toggle("tl-playing", playing),
});
tl.commands = createCommands(tl);
const pointing = createPointing(tl);
const tapAlong = createKeys(tl);
const updateOverview = createOverview(tl, part(".tl-overview"));
const picture = createPicture(part("canvas"));
const spans = createSpans(lane("events"));
let selection = null;
let picks = { threshold: null, onsets: [] };
let inputTimer = 0;
let lastTimeText = "";
let written = null; // the onsets that stand in the field

// ---- the value, in and out

function take(value) {
  if (!value || typeof value !== "object") {
    tl.clip = null;
    root.hidden = true;
    return;
  }
  const isNew = value.clip !== undefined && value.clip !== tl.clip?.clip;
  // A curve means that the clip was looked at (again): what was edited until then goes.
  if (!tl.clip || isNew || value.curve) open(value);
  else update(value);
  publish(false);
}

function open(value) {
  const known = { ...(keptOf(value.clip) ?? {}), ...value };
  if (!(known.duration_s > 0 && known.fps > 0)) return;
  tl.clip = {
    clip: known.clip,
    duration_s: known.duration_s,
    fps: known.fps,
    curve: known.curve ?? { times_s: [], values: [] },
    detected: known.detected ?? known.onsets ?? [],
    detected_threshold: known.detected_threshold ?? known.threshold,
    thumbnails: known.thumbnails ?? null,
    waveform: known.waveform ?? null,
    video_id: known.video_id,
  };
  keep(tl.clip);
  tl.edits.begin({
    onsets: (known.onsets ?? []).map(withId),
    events: known.events ?? [],
    threshold: known.threshold ?? 0.5,
    selection: known.selection ?? null,
  });
  Object.assign(tl.view, { duration: known.duration_s, shortest: Math.max(8 / known.fps, 0.1) });
  tl.view.fit();
  picks = { threshold: null, onsets: [] };
  picture.load(tl.clip.thumbnails, paint);
  root.hidden = false;
  say(`${count(tl.edits.now.onsets.length, "onset")}.`);
  layOut();
  showTime(tl.film.time());
}

// The same file looked at once more (the part of its name before the dash) keeps its film without being sent it again.
function keptOf(name) {
  const file = (clip) => String(clip).split("-")[0];
  return KEPT.get(name) ?? [...KEPT.values()].reverse().find((clip) => file(clip.clip) === file(name));
}

function keep(clip) {
  KEPT.delete(clip.clip);
  KEPT.set(clip.clip, clip);
  if (KEPT.size > 3) KEPT.delete(KEPT.keys().next().value);
}

// Part of a value for the clip that is shown already: a step of its own, which can be undone.
function update(value) {
  const { now } = tl.edits;
  const next = {};
  if (value.onsets && !same(value.onsets, plain(now.onsets))) next.onsets = withIds(value.onsets, now.onsets);
  if (value.events && !same(value.events, now.events)) next.events = value.events;
  if (value.threshold !== undefined && value.threshold !== now.threshold) next.threshold = value.threshold;
  if (value.selection !== undefined && !same(value.selection, now.selection)) next.selection = value.selection;
  if (value.video_id !== undefined) tl.clip.video_id = value.video_id;
  if (Object.keys(next).length) tl.edits.step(next, null, false);
}

function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

function plain(onsets) {
  return onsets.map(({ time_s, strength }) => ({ time_s, strength }));
}

// Only what a person can change goes back: the curve and the pictures would make each request heavy.
function publish(byPerson) {
  const { clip, duration_s, fps } = tl.clip ?? {};
  if (!clip) return;
  const { onsets, events, threshold, selection: marked } = tl.edits.now;
  const value = { clip, duration_s, fps, threshold, onsets: plain(onsets), events, selection: marked };
  if (!same(value, props.value)) props.value = value;
  if (!byPerson) return;
  clearTimeout(inputTimer);
  inputTimer = setTimeout(() => trigger("input"), INPUT_MS);
}

function changed(byPerson) {
  paint();
  publish(byPerson);
}

// ---- what is seen

function layOut() {
  if (!tl.clip || !tl.stage.clientWidth) return;
  tl.view.width = tl.stage.clientWidth;
  picture.readColours();
  paint();
}

function paint() {
  const { clip, view } = tl;
  if (!clip || view.width <= 1) return;
  const { now } = tl.edits;
  tl.lanes = laneHeights(clip, eventRows(now.events, clip.duration_s).count);
  for (const name of ["time", "hits", "wave", "events"]) {
    const [top, height] = tl.lanes[name] ?? [0, 0];
    lane(name).hidden = !height;
    lane(name).style.top = `${top}px`;
    lane(name).style.height = `${height}px`;
  }
  picture.paint(view, clip, now, tl.lanes);
  if (picks.threshold !== now.threshold) {
    picks = { threshold: now.threshold, onsets: pickOnsets(clip.curve, now.threshold) };
  }
  tl.marks.update(view, clip, now.onsets, clip.curve.values.length ? picks.onsets : clip.detected);
  spans.update(view, clip, now.events);
  paintSelection(now.selection);
  paintThreshold(now.threshold);
  updateOverview();
  showTime(tl.film.time());
  if (document.activeElement !== field) writeField();
  part('[data-do="undo"]').disabled = !tl.edits.canUndo();
  part('[data-do="redo"]').disabled = !tl.edits.canRedo();
}

function paintSelection(marked) {
  if (!marked) {
    selection?.remove();
    selection = null;
    return;
  }
  selection ??= createSpan(tl.stage, "tl-selection", "selection");
  selection.update(tl.view, tl.clip, marked, "");
}

function paintThreshold(level) {
  const [top, height] = tl.lanes.hits;
  tl.threshold.hidden = !tl.clip.curve.values.length;
  tl.threshold.style.top = `${top + height - levelPx(level)}px`;
  tl.threshold.firstElementChild.textContent = level.toFixed(2);
  describe(tl.threshold, { "aria-valuenow": level, "aria-valuetext": level.toFixed(2) });
}

function showTime(time) {
  if (!tl.clip) return;
  const { view } = tl;
  if (tl.film.playing() && !pointing.busy() && (time > view.end || time < view.start) && time < tl.clip.duration_s) {
    view.show(time - 0.05 * (view.end - view.start), view.end - view.start);
    return paint();
  }
  part(".tl-playhead").style.transform = `translateX(${view.x(time).toFixed(2)}px)`;
  const text = clockText(Math.min(time, tl.clip.duration_s));
  if (text !== lastTimeText) part(".tl-clock").textContent = lastTimeText = text;
}

function say(sentence, bad = false) {
  const line = part(".tl-said");
  line.classList.toggle("tl-bad", bad);
  line.textContent = sentence;
}

function bubble(text, x, level) {
  const bubbled = part(".tl-bubble");
  bubbled.hidden = text === null;
  if (text === null) return;
  bubbled.textContent = text;
  const [top, height] = tl.lanes.hits;
  const left = clamp(x + 10, 0, tl.view.width - bubbled.offsetWidth);
  bubbled.style.transform = `translate(${left}px, ${Math.max(0, top + height - levelPx(level) - 26)}px)`;
}

function ghost(at) {
  const shade = part(".tl-ghost");
  shade.hidden = !at;
  if (!at) return;
  const [top, height] = tl.lanes.hits;
  shade.style.top = `${top + height - levelPx(at.strength)}px`;
  shade.style.height = `${levelPx(at.strength)}px`;
  shade.style.transform = `translateX(${tl.view.x(at.time)}px)`;
}

// ---- the field of times

function writeField() {
  if (written === tl.edits.now.onsets && !field.getAttribute("aria-invalid")) return;
  written = tl.edits.now.onsets;
  const text = formatTimes(tl.edits.now.onsets);
  if (field.value !== text) field.value = text;
  field.removeAttribute("aria-invalid");
  fitField();
}

function fitField() {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 2}px`;
}

function readField() {
  written = null;
  fitField();
  try {
    const { onsets } = tl.edits.now;
    const typed = withIds(parseTimes(field.value, tl.clip.duration_s), onsets);
    field.removeAttribute("aria-invalid");
    if (same(plain(typed), plain(onsets)) || field.value === formatTimes(onsets)) return;
    tl.edits.step({ onsets: typed }, "typing");
    say(`${count(typed.length, "onset")}.`);
  } catch (error) {
    field.setAttribute("aria-invalid", "true");
    say(error.message, true);
  }
}

// ---- modes and the menu

function setMode(name, on) {
  tl[name] = on;
  root.classList.toggle(`tl-${name}`, on);
  part(`[data-do="${name === "snap" ? "snap" : "select"}"]`).setAttribute("aria-pressed", on);
  if (name === "snap") say(on ? "Onsets lie on pictures." : "Onsets lie anywhere.");
  else say(on ? "Drag over the ruler to mark a stretch." : "Dragging over the ruler moves the playhead.");
}

function openMenu(id) {
  const menu = part(".tl-menu");
  const mark = tl.marks.element(id)?.getBoundingClientRect();
  if (!mark) return;
  const box = root.getBoundingClientRect();
  menu.dataset.onset = id;
  menu.hidden = false;
  menu.style.left = `${clamp(mark.left - box.left + 20, 4, box.width - menu.offsetWidth - 4)}px`;
  menu.style.top = `${clamp(mark.top - box.top, 4, box.height - menu.offsetHeight - 4)}px`;
  menu.firstElementChild.focus({ preventScroll: true });
}

function closeMenu() {
  part(".tl-menu").hidden = true;
}

function chooseFromMenu(name) {
  const id = Number(part(".tl-menu").dataset.onset);
  const onset = tl.edits.now.onsets.find((one) => one.id === id);
  closeMenu();
  if (!onset) return;
  tl.marks.focus(id);
  const act = {
    play: () => tl.film.playFrom(onset.time_s),
    harder: () => tl.commands.weigh(id, 0.1),
    softer: () => tl.commands.weigh(id, -0.1),
    delete: () => tl.commands.remove(id),
  };
  act[name]();
}

// ---- wiring

root.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  const choice = event.target.closest("[data-menu]");
  if (button && tl.clip) tl.commands[button.dataset.do]();
  if (choice) chooseFromMenu(choice.dataset.menu);
  if (!choice && !part(".tl-menu").hidden && event.target.closest(".tl-menu") === null) closeMenu();
});
part(".tl-menu").addEventListener("keydown", (event) => {
  const items = [...part(".tl-menu").children];
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) items[(items.indexOf(document.activeElement) + step + items.length) % items.length].focus();
  if (event.key === "Escape" || event.key === "Tab") {
    closeMenu();
    tl.marks.focus(Number(part(".tl-menu").dataset.onset));
  }
  if (step || event.key === "Escape" || event.key === "Tab") event.preventDefault();
});
tl.threshold.addEventListener("focus", () => say(`Threshold ${tl.edits.now.threshold.toFixed(2)}.`));
lane("hits").addEventListener("focusin", (event) => {
  const id = Number(event.target.dataset.onset);
  const onset = tl.edits.now.onsets.find((one) => one.id === id);
  if (!onset || pointing.busy()) return;
  tl.view.reveal(onset.time_s);
  paint();
  tl.film.show(onset.time_s);
});
field.addEventListener("input", readField);
field.addEventListener("change", () => field.getAttribute("aria-invalid") || writeField());
field.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  if (!field.getAttribute("aria-invalid")) writeField();
});
tl.film.listen(ended.signal);
document.addEventListener("keydown", (event) => (element.isConnected ? tapAlong(event) : ended.abort()), {
  signal: ended.signal,
});
new ResizeObserver(layOut).observe(tl.stage);
// The theme is a class of the page's body.
new MutationObserver(layOut).observe(document.body, { attributes: true, attributeFilter: ["class"] });
watch("value", () => take(props.value));
take(props.value);
