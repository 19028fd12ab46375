// What a person can change, as values that are replaced and never written to, with undo and redo.

const MIN_STRENGTH = 0.05;
const MERGE_MS = 700;
const MAX_STEPS = 300;

let lastId = 0;

function withId(onset) {
  return { id: ++lastId, time_s: onset.time_s, strength: onset.strength };
}

// Keeps the id of an onset that is still there, so that the focus stays on it.
function withIds(onsets, known) {
  const find = matcher(known);
  const used = new Set();
  return onsets.map((onset) => {
    const old = find(onset.time_s);
    if (!old || used.has(old.id)) return withId(onset);
    used.add(old.id);
    return { id: old.id, time_s: onset.time_s, strength: onset.strength };
  });
}

// The person's version of a clip. `changed` hears of every step, and whether it was the person's.
function createEdits(changed) {
  let past = [];
  let future = [];
  let lastKey = null;
  let lastAt = 0;
  const edits = {
    now: { onsets: [], events: [], threshold: 0.5, selection: null },

    begin(state) {
      edits.now = state;
      past = [];
      future = [];
      lastKey = null;
    },

    // Steps with the same key that follow each other closely are undone as one.
    step(part, key = null, byPerson = true) {
      const at = performance.now();
      if (!(key && key === lastKey && at - lastAt < MERGE_MS)) past = [...past.slice(1 - MAX_STEPS), edits.now];
      lastKey = key;
      lastAt = at;
      future = [];
      edits.now = { ...edits.now, ...part };
      changed(byPerson);
    },

    // What a gesture would do, while it goes on; gives a function that takes it back.
    preview(part) {
      const real = edits.now;
      edits.now = { ...real, ...part };
      return () => {
        edits.now = real;
      };
    },

    travel(from, to) {
      if (!from.length) return false;
      to.push(edits.now);
      edits.now = from.pop();
      lastKey = null;
      changed(true);
      return true;
    },
    undo: () => edits.travel(past, future),
    redo: () => edits.travel(future, past),
    canUndo: () => past.length > 0,
    canRedo: () => future.length > 0,
  };
  return edits;
}

// The frame grid: times that lie on pictures.
function frameTime(frame, fps) {
  return Math.round((frame / fps) * 1e6) / 1e6;
}

function snapped(time, fps) {
  return frameTime(Math.floor(time * fps + 0.5), fps);
}

function lastFrame(clip) {
  return Math.max(0, Math.ceil(clip.duration_s * clip.fps - 1e-6) - 1);
}

// The time `frames` pictures on: along the grid, or from wherever the onset lies.
function stepped(time, frames, clip, snap) {
  if (!snap) return clamp(time + frames / clip.fps, 0, clip.duration_s);
  const position = time * clip.fps;
  const frame = frames > 0 ? Math.floor(position + 1e-3) : Math.ceil(position - 1e-3);
  return frameTime(clamp(frame + frames, 0, lastFrame(clip)), clip.fps);
}

// Two onsets closer than this would be one.
function reachS(clip) {
  return Math.min(0.5 / clip.fps, 0.01);
}

function occupant(onsets, time, clip, exceptId = null) {
  return onsets.find((onset) => onset.id !== exceptId && Math.abs(onset.time_s - time) < reachS(clip));
}

function replaced(onsets, id, part) {
  return inOrder(onsets.map((onset) => (onset.id === id ? { ...onset, ...part } : onset)));
}

function without(onsets, id) {
  return onsets.filter((onset) => onset.id !== id);
}

// A stretch of time after one of its parts has been moved by `shift` seconds; never shorter than a frame.
function movedSpan(span, part, shift, clip, snap) {
  const fit = (time) => clamp(snap ? snapped(time, clip.fps) : time, 0, clip.duration_s);
  const shortest = 1 / clip.fps;
  const end = span.end_s ?? clip.duration_s;
  if (part === "start") return { ...span, start_s: clamp(fit(span.start_s + shift), 0, end - shortest) };
  if (part === "end") {
    const later = clamp(fit(end + shift), span.start_s + shortest, clip.duration_s);
    // What ran to the end of the clip goes on doing so.
    return { ...span, end_s: span.end_s === null && later >= clip.duration_s - 1e-6 ? null : later };
  }
  const length = end - span.start_s;
  const start = clamp(fit(span.start_s + shift), 0, clip.duration_s - length);
  return { ...span, start_s: start, end_s: Math.min(start + length, clip.duration_s) };
}
