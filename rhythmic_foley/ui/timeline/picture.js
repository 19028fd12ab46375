// What does not take the focus is painted on one canvas: ruler, filmstrip, curve, waveform. Only the visible part.

const RULER_PX = 24;
const FILM_PX = 50;
const HITS_PX = 132;
const WAVE_PX = 46;
const ROW_PX = 28;
const MAX_ROWS = 5;
const GAP_PX = 8;
const HEAD_PX = 12; // room above the highest mark
const PAD_PX = 10; // room beside the first and the last moment, so that marks there can be seen and held
const TICKS_S = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300];

// From seconds to pixels and back, for the stretch of the clip that is in view.
function createView() {
  const view = {
    start: 0,
    end: 1,
    width: 1,
    duration: 1,
    shortest: 0.1,
    scale: () => (view.width - 2 * PAD_PX) / (view.end - view.start),
    x: (time) => PAD_PX + (time - view.start) * view.scale(),
    time: (x) => clamp(view.start + (x - PAD_PX) / view.scale(), 0, view.duration),
    // What is painted reaches into the padding where the clip goes on.
    left: () => Math.max(0, view.start - PAD_PX / view.scale()),
    right: () => Math.min(view.duration, view.end + PAD_PX / view.scale()),
    zoomed: () => view.end - view.start < view.duration - 1e-6,
    show(start, length) {
      const span = clamp(length, Math.min(view.shortest, view.duration), view.duration);
      view.start = clamp(start, 0, view.duration - span);
      view.end = view.start + span;
    },
    fit: () => view.show(0, view.duration),
    pan: (seconds) => view.show(view.start + seconds, view.end - view.start),
    zoom(factor, around = (view.start + view.end) / 2) {
      const length = clamp((view.end - view.start) / factor, Math.min(view.shortest, view.duration), view.duration);
      const share = (around - view.start) / (view.end - view.start);
      view.show(around - share * length, length);
    },
    // Brings a time into view with as little movement as possible.
    reveal(time, margin = 0.08) {
      const length = view.end - view.start;
      if (time < view.start) view.show(time - length * margin, length);
      if (time > view.end) view.show(time - length * (1 - margin), length);
    },
  };
  return view;
}

// Heights and tops of the lanes of a clip.
function laneHeights(clip, rows) {
  const lanes = { time: [0, RULER_PX + (clip.thumbnails ? FILM_PX : 0)] };
  let top = lanes.time[1] + GAP_PX;
  const place = (name, height) => {
    lanes[name] = [top, height];
    top += height + GAP_PX;
  };
  place("hits", HITS_PX);
  if (clip.waveform) place("wave", WAVE_PX);
  if (rows) place("events", rows * ROW_PX);
  lanes.height = top - GAP_PX;
  return lanes;
}

// Height over the lane's floor at which a level of 0..1 lies.
function levelPx(level) {
  return level * (HITS_PX - HEAD_PX);
}

function createPicture(canvas) {
  const pen = canvas.getContext("2d");
  let sheet = null;
  let painted = [];
  const ink = {};

  function readColours() {
    const style = getComputedStyle(canvas);
    for (const name of ["accent", "text", "quiet", "line", "ground", "lane"]) {
      ink[name] = style.getPropertyValue(`--tl-${name}`).trim() || "#888";
    }
    ink.font = `11px ${style.fontFamily}`;
    painted = [];
  }

  function resize(width, height) {
    const dots = Math.min(window.devicePixelRatio || 1, 3);
    const size = [Math.round(width * dots), Math.round(height * dots)];
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
    canvas.style.height = `${height}px`;
    pen.setTransform(dots, 0, 0, dots, 0, 0);
    pen.clearRect(0, 0, width, height);
  }

  function laneGround(top, height, width) {
    pen.fillStyle = ink.lane;
    pen.beginPath();
    pen.roundRect(0, top, width, height, 5);
    pen.fill();
  }

  function ruler(view, fps) {
    const step = TICKS_S.find((seconds) => seconds * view.scale() >= 62) ?? TICKS_S.at(-1);
    const digits = step >= 1 ? 0 : step >= 0.1 ? 1 : 2;
    pen.font = ink.font;
    pen.textBaseline = "middle";
    pen.fillStyle = ink.quiet;
    pen.strokeStyle = ink.line;
    pen.lineWidth = 1;
    pen.beginPath();
    if (view.scale() / fps >= 7) tickMarks(view, 1 / fps, 3);
    else tickMarks(view, step / 5, 4);
    tickMarks(view, step, 9);
    pen.stroke();
    for (let i = Math.ceil(view.left() / step); i * step <= view.right(); i++) {
      const text = view.duration < 60 ? (i * step).toFixed(digits) : clockText(i * step, digits);
      const x = view.x(i * step) + 4;
      if (x + pen.measureText(text).width <= view.width) pen.fillText(text, x, RULER_PX / 2 - 2);
    }
  }

  function tickMarks(view, step, height) {
    for (let i = Math.ceil(view.left() / step); i * step <= view.right(); i++) {
      const x = Math.round(view.x(i * step)) + 0.5;
      pen.moveTo(x, RULER_PX - 3);
      pen.lineTo(x, RULER_PX - 3 - height);
    }
  }

  // Tiles are fixed in time, so that the film moves with the ruler.
  function film(view, film) {
    if (!sheet?.complete || !sheet.naturalWidth) return;
    const rows = Math.ceil(film.count / film.columns);
    const width = sheet.naturalWidth / film.columns;
    const height = sheet.naturalHeight / rows;
    const tile = (FILM_PX * width) / height;
    const tileS = tile / view.scale();
    pen.save();
    pen.beginPath();
    const [x0, x1] = [view.x(view.left()), view.x(view.right())];
    pen.roundRect(x0, RULER_PX, x1 - x0, FILM_PX, 5);
    pen.clip();
    for (let k = Math.floor(view.left() / tileS); k * tileS < view.right(); k++) {
      const middle = Math.min((k + 0.5) * tileS, view.duration);
      const i = clamp(Math.floor((middle / view.duration) * film.count), 0, film.count - 1);
      const from = [(i % film.columns) * width, Math.floor(i / film.columns) * height];
      pen.drawImage(sheet, ...from, width, height, view.x(k * tileS), RULER_PX, tile + 0.5, FILM_PX);
    }
    pen.restore();
  }

  function curve(view, clip, threshold, [top, height]) {
    laneGround(top, height, view.width);
    const floor = top + height;
    const { times_s: times, values } = clip.curve;
    if (!values.length) return;
    pen.beginPath();
    pen.moveTo(view.x(times[0]), floor);
    for (const [x, value] of columns(times, values, view)) pen.lineTo(x, floor - levelPx(value));
    pen.lineTo(view.x(times.at(-1)), floor);
    pen.globalAlpha = 0.16;
    pen.fillStyle = ink.accent;
    pen.fill();
    // What reaches over the threshold stands out.
    pen.save();
    const outline = new Path2D();
    outline.rect(0, top, view.width, height - levelPx(threshold));
    pen.clip(outline);
    pen.globalAlpha = 0.3;
    pen.fill();
    pen.restore();
    pen.globalAlpha = 0.55;
    pen.strokeStyle = ink.accent;
    pen.lineWidth = 1;
    pen.stroke();
    pen.globalAlpha = 1;
  }

  function wave(view, pairs, [top, height]) {
    laneGround(top, height, view.width);
    const middle = top + height / 2;
    const half = height / 2 - 3;
    const perPair = view.duration / pairs.length;
    const first = Math.max(0, Math.floor(view.left() / perPair));
    const last = Math.min(pairs.length - 1, Math.ceil(view.right() / perPair));
    const upper = new Map();
    for (let i = first; i <= last; i++) {
      const x = Math.round(view.x(i * perPair));
      const [low, high] = upper.get(x) ?? [0, 0];
      upper.set(x, [Math.min(low, pairs[i][0]), Math.max(high, pairs[i][1])]);
    }
    const width = Math.max(1, Math.ceil(perPair * view.scale()));
    pen.fillStyle = ink.quiet;
    pen.globalAlpha = 0.65;
    for (const [x, [low, high]] of upper) {
      pen.fillRect(x, middle - high * half - 0.5, width, Math.max(1, (high - low) * half + 1));
    }
    pen.globalAlpha = 1;
  }

  // Faint lines carry the onsets up into the film and down into the waveform, to compare.
  function guides(view, onsets, lanes) {
    if (view.scale() * (view.duration / (onsets.length + 1)) < 12) return;
    pen.fillStyle = ink.accent;
    pen.globalAlpha = 0.45;
    for (const { time_s: time } of onsets) {
      if (time < view.left() || time > view.right()) continue;
      const x = view.x(time) - 0.5;
      pen.fillRect(x, RULER_PX, 1, lanes.hits[0] - RULER_PX);
      if (lanes.wave) pen.fillRect(x, lanes.wave[0] - GAP_PX, 1, lanes.wave[1] + GAP_PX);
    }
    pen.globalAlpha = 1;
  }

  // Hundreds of onsets in view are painted; elements for each would be slow, and nobody could hold one anyway.
  function crowd(view, onsets, [top, height]) {
    const floor = top + height;
    pen.fillStyle = ink.accent;
    for (const { time_s: time, strength } of onsets) {
      if (time < view.left() || time > view.right()) continue;
      const x = view.x(time);
      pen.globalAlpha = 0.5;
      pen.fillRect(x - 0.5, floor - levelPx(strength), 1, levelPx(strength));
      pen.globalAlpha = 1;
      pen.beginPath();
      pen.arc(x, floor - levelPx(strength), 2.5, 0, 7);
      pen.fill();
    }
  }

  return {
    readColours,
    load(film, ready) {
      sheet = null;
      if (!film) return;
      sheet = new Image();
      sheet.onload = () => {
        painted = [];
        ready();
      };
      sheet.src = film.url;
    },
    paint(view, clip, now, lanes) {
      const state = [view.start, view.end, view.width, lanes.height, clip, now.threshold, now.onsets];
      if (state.every((part, i) => part === painted[i])) return;
      painted = state;
      resize(view.width, lanes.height);
      ruler(view, clip.fps);
      if (clip.thumbnails) film(view, clip.thumbnails);
      curve(view, clip, now.threshold, lanes.hits);
      if (clip.waveform) wave(view, clip.waveform, lanes.wave);
      if (lanes.events) laneGround(...lanes.events, view.width);
      guides(view, now.onsets, lanes);
      if (crowded(view, now.onsets)) crowd(view, now.onsets, lanes.hits);
    },
  };
}

// Whether the onsets in view lie so close that their marks would cover each other.
function crowded(view, onsets) {
  const inView = onsets.filter((onset) => onset.time_s >= view.start && onset.time_s <= view.end).length;
  return view.width / (inView + 1) < 13;
}

// Points of the curve to draw: where many share a pixel, only the highest, so that no peak is lost.
function columns(times, values, view) {
  const points = [];
  let i = Math.max(0, lowerBound(times, view.left()) - 1);
  for (; i < values.length; i++) {
    const x = view.x(times[i]);
    const last = points.at(-1);
    if (last && x - last[0] < 1) last[1] = Math.max(last[1], values[i]);
    else points.push([x, values[i]]);
    if (times[i] > view.right()) break;
  }
  return points;
}

function lowerBound(numbers, wanted) {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Sounds that overlap lie in rows of their own.
function eventRows(events, durationS) {
  const ends = [];
  const rows = events.map(() => 0);
  const order = events.map((_, i) => i).sort((a, b) => events[a].start_s - events[b].start_s);
  for (const i of order) {
    let row = ends.findIndex((end) => end <= events[i].start_s + 1e-6);
    if (row < 0) row = ends.length < MAX_ROWS ? ends.push(0) - 1 : ends.indexOf(Math.min(...ends));
    ends[row] = events[i].end_s ?? durationS;
    rows[i] = row;
  }
  return { rows, count: ends.length };
}
