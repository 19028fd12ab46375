// Puts the parts together: what is shown, what is heard, keys and pointer. Gradio gives `element`, `props`, `trigger`
// and `watch`; the page's markup never changes, so everything below it is ours to fill.

const part = Object.fromEntries([...element.querySelectorAll("[data-part]")].map((node) => [node.dataset.part, node]));
const hearButtons = [...element.querySelectorAll("[data-hear]")];
const player = new TrackPlayer(part.video, showTrouble);
const { legend } = props;
const STEP_S = 0.1;
const LONG_STEP_S = 1;
const MOST_ZOOM = 16;
const SIDEWAYS_PX = 8;

let value = null;
let active = [0, 1]; // numbers of the tracks that are A and B
let slot = 0; // which of the two is heard
let blind = null;
let dragging = null;
let byPointer = false;
let zoom = 1;

const address = (file) => (typeof file === "string" ? file : (file?.url ?? null));
const trackOf = (id) => value.tracks.find((track) => track.id === id);
const labelOf = (id) => trackOf(id).label;
const hidden = () => blind !== null && blind.open;
const alone = () => value.tracks.length < 2;
// The two that can be heard: in blind mode in the order that was drawn.
const pair = () => (blind ? blind.order.map((id) => value.tracks.indexOf(trackOf(id))) : active);
const chip = (index) => (blind ? `${index + 1}` : "AB"[index]);

function showTrouble(sentence) {
  part.trouble.textContent = sentence;
  part.trouble.hidden = !sentence;
  showRun();
}

function load() {
  value = props.value?.tracks?.length ? props.value : null;
  part.empty.hidden = value !== null;
  part.body.hidden = value === null;
  showTrouble("");
  [active, slot, blind] = [[0, 1], 0, null];
  const tracks = (value?.tracks ?? []).map((track) => ({ address: address(track.audio), gainDb: track.gain_db ?? 0 }));
  player.load(tracks, value?.duration_s ?? 0, address(value?.video));
  if (!value) return;
  zoomBy(1 / zoom);
  part.picture.hidden = !value.video;
  part.ruler.setAttribute("aria-valuemax", value.duration_s);
  if (tracks.length < 2) active = [0, 0];
  setBlind(Boolean(value.blind));
}

function setBlind(wanted) {
  part.blind.checked = wanted;
  part.said.textContent = "";
  if (wanted) {
    blind ??= new BlindTest();
    blind.begin(active.map((index) => value.tracks[index].id));
    // What runs on unchanged would tell which one it is.
    player.pause();
    player.seek(0);
    slot = 0;
  } else {
    slot = blind ? Math.max(active.indexOf(pair()[slot]), 0) : slot;
    blind = null;
  }
  show();
}

function show() {
  player.hear(pair()[slot]);
  hearButtons.forEach((button, index) => {
    button.setAttribute("aria-pressed", String(index === slot));
    button.querySelector("b").textContent = chip(index);
    button.querySelector("span").textContent = hidden() ? "name hidden" : value.tracks[pair()[index]].label;
    button.style.setProperty("--mark", blind ? "var(--body-text-color)" : legend.colours[index]);
  });
  // A sound alone is played and seen, with nothing to choose.
  const choices = [part.heard, part.swap, part.swapKey, part.match.parentElement, part.blind.parentElement];
  for (const node of choices) node.hidden = alone();
  showLanes();
  showVote();
  showRun();
}

function showLanes() {
  const { duration_s: duration, tracks, onsets_s: onsets = [] } = value;
  const lines = () => onsetLines(onsets, duration);
  const lanes = [];
  if (hidden()) {
    const quiet = make("span", "cmp-quiet", "Pictures come back after the vote.");
    lanes.push(makeLane([quiet], null, [], lines()));
  } else {
    const seen = alone() ? [0] : pair();
    seen.forEach((number, index) => lanes.push(trackLane(tracks[number], index, lines())));
    if (!alone()) lanes.splice(2, 0, differenceLane(lines()));
    const rest = tracks.filter((_, number) => !active.includes(number));
    lanes.push(...rest.map((track) => trackLane(track, null, lines())));
  }
  part.stack.replaceChildren(...lanes);
  drawRuler(part.ruler, duration);
  part.scales.hidden = hidden();
  const [level, apart] = [legend.level_db, legend.difference_db].map((ends) => ends.map(decibels));
  const louder = [`${apart[0]}, ${chip(1)} louder`, `${apart[1]}, ${chip(0)} louder`];
  const scales = [makeScale("Level", legend.level_colours, ...level)];
  if (!alone()) scales.push(makeScale("Difference", legend.difference_colours, ...louder));
  part.scales.replaceChildren(...scales);
}

function trackLane(track, index, lines) {
  const head = [];
  if (index !== null && !alone()) {
    const mark = make("b", "cmp-chip", chip(index));
    mark.style.setProperty("--mark", blind ? "var(--body-text-color-subdued)" : legend.colours[index]);
    head.push(mark);
  }
  head.push(make("span", "cmp-name", track.label));
  if (value.tracks.length > 2 && !blind) head.push(...chooseButtons(track));
  const picture = { address: address(track.mel), alt: `Mel spectrogram of ${track.label}` };
  const lane = makeLane(head, picture, legend.bands, lines);
  lane.dataset.track = track.id;
  lane.classList.toggle("cmp-aside", index === null);
  lane.classList.toggle("cmp-now", index !== null && index === slot);
  return lane;
}

function chooseButtons(track) {
  return [0, 1].map((index) => {
    const button = make("button", "cmp-as", `as ${"AB"[index]}`);
    const number = value.tracks.indexOf(track);
    button.type = "button";
    button.dataset.as = `${index}-${number}`;
    button.setAttribute("aria-pressed", String(active[index] === number));
    button.setAttribute("aria-label", `Compare ${track.label} as ${"AB"[index]}`);
    return button;
  });
}

function differenceLane(lines) {
  const ids = pair().map((number) => value.tracks[number].id);
  const [one, two] = ids.map(labelOf);
  const head = [make("span", "cmp-name", `Difference, ${chip(0)} minus ${chip(1)}`)];
  const picture = {
    address: address(value.differences?.[ids.join("-")]),
    alt: `By how much ${one} is louder than ${two}, over time and frequency`,
  };
  const lane = makeLane(head, picture.address ? picture : null, legend.bands, lines);
  lane.dataset.difference = ids.join("-");
  return lane;
}

function showVote() {
  part.vote.hidden = blind === null;
  if (!blind) return;
  part.answers.hidden = !blind.open;
  part.after.hidden = blind.open;
  for (const button of part.answers.children) button.disabled = !blind.mayVote;
  part.question.textContent = blind.open
    ? blind.mayVote
      ? "Which one fits the picture better?"
      : "Listen to both, then vote."
    : blind.told(labelOf);
}

function showRun() {
  part.play.textContent = player.playing ? "Pause" : "Play";
  showTime();
}

function showTime() {
  if (!value) return;
  const { position } = player;
  part.clock.textContent = `${secondsText(position, value.duration_s)} / ${lengthText(value.duration_s)}`;
  part.over.style.setProperty("--at", position / value.duration_s);
  part.ruler.setAttribute("aria-valuenow", position.toFixed(2));
  part.ruler.setAttribute("aria-valuetext", `${position.toFixed(2)} of ${value.duration_s.toFixed(2)} seconds`);
}

function frame() {
  if (!player.playing) return;
  // Whoever leaves this part of the page could not stop the sound any more.
  if (!element.isConnected) return player.close();
  if (part.root.offsetParent === null) return toggle(false);
  player.follow();
  if (player.started && player.position > player.at + 0.2) heardNow();
  if (player.started && player.position >= value.duration_s - 1e-3) {
    if (part.loop.checked) player.seek(0);
    else toggle(false);
  }
  showTime();
  if (zoom > 1 && !dragging) keepInSight();
  requestAnimationFrame(frame);
}

function zoomBy(factor) {
  zoom = Math.min(Math.max(zoom * factor, 1), MOST_ZOOM);
  part.lanes.style.setProperty("--zoom", zoom);
  for (const button of element.querySelectorAll("[data-zoom]")) {
    button.disabled = button.dataset.zoom > 1 ? zoom >= MOST_ZOOM : zoom <= 1;
  }
  drawRuler(part.ruler, value.duration_s);
  keepInSight(true);
}

// Turn the page when the playhead leaves it, or put it into the middle.
function keepInSight(middle = false) {
  const seen = part.lanes.clientWidth;
  const at = (player.position / value.duration_s) * part.over.clientWidth;
  const left = part.lanes.scrollLeft;
  if (middle) part.lanes.scrollLeft = at - seen / 2;
  else if (at < left || at > left + seen - 40) part.lanes.scrollLeft = at - 40;
}

function heardNow() {
  if (!blind?.open || blind.listened.has(slot)) return;
  blind.listened.add(slot);
  showVote();
}

function toggle(wanted) {
  if (!value) return;
  if (wanted) {
    for (const other of document.querySelectorAll("video, audio")) if (other !== part.video) other.pause();
    player.play().then(showRun);
    requestAnimationFrame(frame);
  } else {
    player.pause();
  }
  showRun();
}

function hear(index) {
  if (alone()) return;
  slot = index;
  player.hear(pair()[slot]);
  hearButtons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === slot)));
  pair().forEach((number, i) => {
    const lane = part.stack.querySelector(`[data-track="${value.tracks[number].id}"]`);
    lane?.classList.toggle("cmp-now", i === slot);
  });
  part.said.textContent = `Hearing ${chip(slot)}${hidden() ? "" : `, ${value.tracks[pair()[slot]].label}`}`;
}

// Track `number` becomes A or B; the one it takes the place of goes where it was.
function choose(index, number) {
  if (active[1 - index] === number) active.reverse();
  else active[index] = number;
  show();
}

function vote(choice) {
  if (!blind?.mayVote) return;
  trigger("vote", blind.vote(choice === "none" ? null : Number(choice), labelOf));
  show();
  part.said.textContent = part.question.textContent;
  part.again.focus({ preventScroll: true });
}

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button || !value) return;
  const { part: name, hear: heard, as, vote: choice } = button.dataset;
  if (name === "play") toggle(!player.playing);
  else if (name === "swap") hear(1 - slot);
  else if (name === "again") setBlind(true);
  else if (heard) hear(Number(heard));
  else if (choice) return vote(choice);
  else if (button.dataset.zoom) zoomBy(Number(button.dataset.zoom));
  else if (as) choose(...as.split("-").map(Number));
  giveKeysBack();
});

element.addEventListener("change", (event) => {
  if (event.target === part.match) player.match(part.match.checked);
  if (event.target === part.blind) setBlind(part.blind.checked);
  giveKeysBack();
});

// After a click with the pointer, Space is for playing and not for the button once more.
function giveKeysBack() {
  if (byPointer) setTimeout(() => part.root.focus({ preventScroll: true }));
}
element.addEventListener("pointerdown", () => (byPointer = true), true);
element.addEventListener("keydown", () => (byPointer = false), true);

const KEYS = {
  " ": () => toggle(!player.playing),
  x: () => hear(1 - slot),
  1: () => hear(0),
  2: () => hear(1),
  l: () => part.loop.click(),
  arrowleft: (far) => move(player.position - (far ? LONG_STEP_S : STEP_S)),
  arrowright: (far) => move(player.position + (far ? LONG_STEP_S : STEP_S)),
  home: () => move(0),
  end: () => move(value.duration_s),
  "+": () => zoomBy(2),
  "-": () => zoomBy(0.5),
};

element.addEventListener("keydown", (event) => {
  const act = KEYS[event.key.toLowerCase()];
  if (!act || !value || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === " " && event.target.closest("button, input")) return;
  event.preventDefault();
  event.stopPropagation();
  act(event.shiftKey);
});

function move(time) {
  player.seek(time);
  showTime();
  if (zoom > 1 && !dragging) keepInSight();
}

function moveTo(event) {
  const box = part.over.getBoundingClientRect();
  move(((event.clientX - box.left) / box.width) * value.duration_s);
}

part.lanes.addEventListener("pointerdown", (event) => {
  const field = event.target.closest("[data-seek]");
  if (!field || event.button !== 0) return;
  // A finger may be about to scroll the page: it seeks when it moves sideways or is lifted.
  dragging = { from: event.clientX, waits: event.pointerType === "touch", resume: false };
  field.setPointerCapture(event.pointerId);
  if (!dragging.waits) grab(event);
  event.preventDefault();
});

function grab(event) {
  dragging.waits = false;
  dragging.resume = player.playing;
  player.pause();
  moveTo(event);
  part.ruler.focus({ preventScroll: true });
}

part.lanes.addEventListener("pointermove", (event) => {
  if (!dragging) return;
  if (!dragging.waits) moveTo(event);
  else if (Math.abs(event.clientX - dragging.from) > SIDEWAYS_PX) grab(event);
});
part.lanes.addEventListener("pointerup", (event) => {
  if (dragging?.waits) grab(event);
  release();
});
part.lanes.addEventListener("pointercancel", release);

function release() {
  const resume = dragging?.resume;
  dragging = null;
  if (resume) toggle(true);
}

part.video.addEventListener("error", () => {
  if (!value?.video || !part.video.getAttribute("src")) return;
  player.picture = false;
  part.picture.hidden = true;
  showTrouble("This browser cannot show the clip's picture; its sounds can be compared all the same.");
});

// Another player on the page starts: two sounds at once help nobody.
const yielding = (event) => {
  if (!element.isConnected) return document.removeEventListener("play", yielding, true);
  if (event.target !== part.video && player.playing) toggle(false);
};
document.addEventListener("play", yielding, true);
new ResizeObserver(() => {
  part.lanes.style.setProperty("--seen", `${part.lanes.clientWidth}px`);
  if (value) drawRuler(part.ruler, value.duration_s);
}).observe(part.lanes);

element.player = player;
watch("value", load);
load();
