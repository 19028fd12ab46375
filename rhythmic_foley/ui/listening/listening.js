// One stimulus at a time: it is played with its clip, rated when it was heard to its end often enough, and sent.

const part = Object.fromEntries([...element.querySelectorAll("[data-part]")].map((node) => [node.dataset.part, node]));
const player = new TrackPlayer(part.video, showTrouble);
const address = (file) => (typeof file === "string" ? file : (file?.url ?? null));

let value = null;
let listens = 0;
let sent = false;

function showTrouble(sentence) {
  part.trouble.textContent = sentence;
  part.trouble.hidden = !sentence;
  showState();
}

function load() {
  const next = props.value;
  sent = false;
  if (next && value && next.number === value.number && next.code === value.code) {
    showTrouble(next.trouble ?? "");
    return;
  }
  value = next;
  listens = 0;
  part.trial.hidden = !value?.audio;
  part.done.hidden = !value?.done;
  if (value?.done) part["done-code"].textContent = value.code;
  player.load(value?.audio ? [{ address: address(value.audio), gainDb: 0 }] : [], value?.duration_s ?? 0, address(value?.video));
  if (!value?.audio) return;
  remember(value.code);
  part.code.textContent = value.code;
  part.count.textContent = `${value.number} of ${value.total}`;
  part.progress.max = value.total;
  part.progress.value = value.number - 1;
  part.aspects.replaceChildren(...value.aspects.map(makeAspect));
  showTrouble("");
}

// So that the page knows the code when the same browser comes back.
function remember(code) {
  try {
    localStorage.setItem("rhythmic-foley-listening", code);
  } catch {
    // Forbidden in this browser: the code is on the page anyway.
  }
}

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function makeAspect({ key, name, question, lowest, highest }) {
  const field = make("fieldset");
  const legend = make("legend");
  legend.append(make("b", "", name), question);
  const scale = make("div", "lst-scale");
  for (let rating = 1; rating <= 5; rating += 1) {
    const label = make("label", "", `${rating}`);
    const input = make("input");
    Object.assign(input, { type: "radio", name: `rating-${key}`, value: rating });
    if (rating === 1) input.setAttribute("aria-label", `1, ${lowest}`);
    if (rating === 5) input.setAttribute("aria-label", `5, ${highest}`);
    label.append(input);
    scale.append(label);
  }
  const ends = make("div", "lst-ends");
  ends.setAttribute("aria-hidden", "true");
  ends.append(make("span", "", lowest), make("span", "", highest));
  field.append(legend, scale, ends);
  return field;
}

function ratings() {
  const chosen = [...element.querySelectorAll("fieldset input:checked")];
  return Object.fromEntries(chosen.map((input) => [input.name.replace("rating-", ""), Number(input.value)]));
}

function showState() {
  if (!value?.audio) return;
  const missing = value.minimum - listens;
  const times = missing === 1 ? "once" : `${missing} times`;
  part.heard.textContent =
    missing > 0 ? `Listen to the end at least ${times}${listens ? " more" : ""}, then rate.` : "Listen again as often as you like.";
  for (const field of element.querySelectorAll("fieldset")) field.disabled = missing > 0;
  part.next.disabled = sent || missing > 0 || Object.keys(ratings()).length < value.aspects.length;
  part.play.textContent = player.playing ? "Pause" : "Play";
  part.clock.textContent = `${player.position.toFixed(1)} / ${value.duration_s.toFixed(1)} s`;
}

function frame() {
  if (!player.playing) return;
  if (!element.isConnected) return player.close();
  player.follow();
  if (player.started && player.position >= value.duration_s - 1e-3) {
    listens += 1;
    player.pause();
  }
  showState();
  requestAnimationFrame(frame);
}

function toggle() {
  if (player.playing) {
    player.pause();
  } else {
    player.play().then(showState);
    requestAnimationFrame(frame);
  }
  showState();
}

part.play.addEventListener("click", toggle);
part.aspects.addEventListener("change", showState);
part.next.addEventListener("click", () => {
  if (sent) return;
  sent = true;
  player.pause();
  showState();
  trigger("answer", { number: value.number, ratings: ratings(), listens });
});

element.player = player;
watch("value", load);
load();
