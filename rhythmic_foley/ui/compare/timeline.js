// The pictures of the compared sounds, one below the other on one time axis: ruler, mels, onset lines, difference.

const TICK_STEPS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300];
const TICK_ROOM_PX = 64;
const SVG = "http://www.w3.org/2000/svg";

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

// 1.25, or 0:01.3 in a clip of a minute and more.
function secondsText(seconds, duration) {
  if (duration < 60) return seconds.toFixed(2);
  const whole = Math.floor(seconds / 60);
  return `${whole}:${(seconds - 60 * whole).toFixed(1).padStart(4, "0")}`;
}

function lengthText(duration) {
  return `${secondsText(duration, duration)}${duration < 60 ? " s" : ""}`;
}

// Marks as many times as there is room for.
function drawRuler(ruler, duration) {
  const most = Math.max(ruler.clientWidth / TICK_ROOM_PX, 2);
  const step = TICK_STEPS_S.find((step) => duration / step <= most) ?? TICK_STEPS_S.at(-1);
  const marks = [];
  const last = duration * (1 - 1.5 / most); // beyond it stands the end
  for (let i = 0; i === 0 || i * step < last; i += 1) marks.push(i * step);
  ruler.replaceChildren(
    ...marks.map((time) => {
      const mark = make("span", "", duration < 60 ? `${+time.toFixed(1)}` : secondsText(time, duration).replace(/\.0$/, ""));
      mark.style.left = `${(100 * time) / duration}%`;
      return mark;
    }),
    make("em", "", lengthText(duration)),
  );
}

function onsetLines(onsets, duration) {
  const lines = document.createElementNS(SVG, "svg");
  lines.setAttribute("viewBox", "0 0 1 1");
  lines.setAttribute("preserveAspectRatio", "none");
  lines.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  const there = onsets.filter((time) => time >= 0 && time <= duration);
  path.setAttribute("d", there.map((time) => `M${(time / duration).toFixed(5)} 0v1`).join(""));
  lines.append(path);
  return lines;
}

// head: nodes of the lane's title. picture: {address, alt} or null where pictures are hidden.
function makeLane(head, picture, bands, lines) {
  const lane = make("figure", "cmp-lane");
  const title = make("figcaption");
  title.append(...head);
  const axis = make("div", "cmp-axis");
  axis.setAttribute("aria-hidden", "true");
  const field = make("div", "cmp-field");
  field.dataset.seek = "";
  if (picture) {
    const image = make("img");
    image.src = picture.address;
    image.alt = picture.alt;
    image.draggable = false;
    field.append(image);
    for (const [label, at] of bands) {
      const mark = make("span", "", label);
      mark.style.bottom = `${100 * at}%`;
      axis.append(mark);
    }
  }
  field.append(lines);
  lane.append(title, axis, field);
  return lane;
}

// A colour bar with its ends named, such as "−80 dB [colours] 20 dB".
function makeScale(name, colours, low, high) {
  const scale = make("div", "cmp-scale");
  const bar = make("i");
  bar.style.background = `linear-gradient(90deg, ${colours.join(", ")})`;
  scale.append(make("b", "", name), make("span", "", low), bar, make("span", "", high));
  return scale;
}

function decibels(value) {
  return `${value < 0 ? "−" : value > 0 ? "+" : ""}${Math.abs(value)} dB`;
}
